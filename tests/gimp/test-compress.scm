; Compress: layers through a .vqi file and back, with file and loss measured.

(define format "R'G'B'A float")

(define (compress image layers . more)
  (apply plug-in-atelier-compress
         (append (list #:run-mode RUN-NONINTERACTIVE #:image image
                       #:drawables (list->vector layers) #:model "vqvae")
                 more)))

(define (probe-stages before after stages)
  (plug-in-probe-check #:before before #:after after #:model (model "vqvae")
                       #:stages stages #:format format #:tolerance rounding-8))

(define (new) (new-image 90 70 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR))

(let* ((image (new)) (layer (top-layer image)) (before (keep image))
       (first (hash layer)) (losses (compress image (list layer))))
  (check "pixels change" (not (string=? first (hash layer))))
  (check-probe "as core alone" (probe-stages (top-layer before) layer 0))
  (check "bytes are those of a file" (< 150 (car losses) 3000))
  (check "bits per pixel are of those bytes"
         (< (abs (- (cadr losses) (/ (* 8 (car losses)) (* 90 70)))) 1e-6))
  (check "PSNR is one of a picture that lost much" (< 3 (caddr losses) 25))
  (check "SSIM is below 1" (< -1 (cadddr losses) 1)))

(let* ((image (new)) (layer (top-layer image)) (before (keep image)))
  (compress image (list layer) #:quality 1)
  (check-probe "quality 1: the first stage alone" (probe-stages (top-layer before) layer 1))
  (check "quality 1 differs from all stages"
         (> (car (probe-stages (top-layer before) layer 0)) 0)))

; What lies in a rectangle, as a number.
(define (hash-of-part image x y width height)
  (let ((part (gimp-image-duplicate image)))
    (gimp-selection-none part)
    (gimp-image-crop part width height x y)
    (hash (top-layer part))))

(let* ((image (new)) (layer (top-layer image)) (before (keep image)) (part (keep image)))
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 10 10 30 20)
  (let ((losses (compress image (list layer))))
    (check "a selection: the rest stays"
           (string=? (hash-of-part image 45 0 45 70) (hash-of-part before 45 0 45 70)))
    (gimp-image-crop part 30 20 10 10)
    (let ((alone (compress part (list (top-layer part)))))
      (check "a selection: as that part alone"
             (string=? (hash-of-part image 10 10 30 20) (hash (top-layer part))))
      (check "a selection: the bytes of that part" (= (car losses) (car alone))))))

(let* ((image (new)) (layer (top-layer image)) (first (hash layer)))
  (compress image (list layer) #:output "new-layer")
  (check "new layer: the old one is as it was" (string=? first (hash layer)))
  (check-probe "new layer: as core alone" (probe-stages layer (top-layer image) 0)))

(let* ((image (new)) (layer (top-layer image)))
  (gimp-layer-set-offsets layer 40 0)
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 0 0 20 20)
  (let ((losses (compress image (list layer))))
    (check "nothing selected of the layer: nothing is lost"
           (and (= (caddr losses) 200) (= (cadddr losses) 1)))))

(let* ((image (new)) (layer (top-layer image)) (first (hash layer)))
  (check-error "a quality that the model lacks: those it has" "qualities 1 to 2"
               (lambda () (compress image (list layer) #:quality 3)))
  (check-error "a Pix2Pix model: refused" "Pix2Pix generator"
               (lambda () (compress image (list layer) #:model "resnet")))
  (check-error "a wrong word for output: the words" "in-place, new-layer"
               (lambda () (compress image (list layer) #:output "x")))
  (check "refused: nothing changes" (string=? first (hash layer))))
