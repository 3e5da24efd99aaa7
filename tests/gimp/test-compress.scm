; Compress: layers through a VQ-VAE and back, with the loss measured.

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
  (check "bytes and bits per pixel: not measured" (and (= (car losses) -1) (= (cadr losses) -1)))
  (check "PSNR is one of a picture that lost much" (< 3 (caddr losses) 25))
  (check "SSIM is below 1" (< -1 (cadddr losses) 1)))

(let* ((image (new)) (layer (top-layer image)) (before (keep image)))
  (compress image (list layer) #:quality 1)
  (check-probe "quality 1: the first stage alone" (probe-stages (top-layer before) layer 1))
  (check "quality 1 differs from all stages"
         (> (car (probe-stages (top-layer before) layer 0)) 0)))

(let* ((image (new)) (layer (top-layer image)) (before (keep image)))
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 10 10 30 20)
  (compress image (list layer))
  (check-probe "a selection: only there" (probe-stages (top-layer before) layer 0)))

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
