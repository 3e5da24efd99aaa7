; Training by the procedure and by Script-Fu: short runs, whose models are then
; used.

(define folder (string-append test-home "pairs"))

; Four pairs: a picture and its negative.
(let loop ((i 0))
  (if (< i 4)
      (let* ((image (new-image 96 96 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR))
             (below (top-layer image))
             (above (add-layer image 96 96 0 0 RGB-IMAGE)))
        (gimp-drawable-invert above FALSE)
        (plug-in-atelier-add-pair #:run-mode RUN-NONINTERACTIVE #:image image
                                  #:drawables (vector below above) #:folder folder)
        (gimp-image-delete image)
        (loop (+ i 1)))))

(define (train . more)
  (apply plug-in-atelier-train
         (append (list #:run-mode RUN-NONINTERACTIVE #:folder folder
                       #:preset "quick" #:size 64)
                 more)))

(define result (train #:name "negative" #:steps 12))
(check "the model is in the user's own folder"
       (string=? (car result) (model "negative")))
(check "it is there" (file-exists? (model "negative")))
(check "it was measured" (and (> (list-ref result 3) 0) (< (list-ref result 3) 1)
                              (> (list-ref result 4) 0)))

(let* ((image (new-image 64 64 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR))
       (layer (top-layer image)) (before (keep image)))
  (plug-in-atelier-translate #:run-mode RUN-NONINTERACTIVE #:image image
                             #:drawables (vector layer) #:model "negative")
  (check-probe "Translate with it: as core alone"
               (probe (top-layer before) layer "negative" 1 "R'G'B'A float" rounding-8)))

(check-error "the same name again: refused" "already have a model"
             (lambda () (train #:name "negative" #:steps 12)))
(let ((more (train #:name "negative" #:steps 16 #:resume TRUE)))
  (check "resume goes on: the same file" (string=? (car more) (car result))))

(let ((result (train #:name "onward" #:steps 2 #:from "negative")))
  (check "begun with another model, by its name"
         (string=? (car result) (model "onward"))))
(check-error "begun with a model that is not there: its name" "nobody"
             (lambda () (train #:name "x" #:from "nobody")))
(check-error "a VQ-VAE begun with a model: refused" "from another model"
             (lambda () (train #:name "x" #:kind "vqvae" #:from "negative")))

(let ((result (train #:kind "vqvae" #:steps 4
                     #:output (string-append test-home "codes"))))
  (check "vqvae, into a file of one's own"
         (string=? (car result) (string-append test-home "codes.safetensors")))
  (check "vqvae: it is there" (file-exists? (string-append test-home "codes.safetensors"))))

(let ((result (script-fu-atelier-train #:run-mode RUN-NONINTERACTIVE #:folder folder
                                       #:name "by script" #:steps 2)))
  (check "script-fu-atelier-train: the model" (string=? (car result) (model "by script"))))
(check-error "script-fu-atelier-train: a wrong preset: the words" "quick, standard, full"
             (lambda () (script-fu-atelier-train #:run-mode RUN-NONINTERACTIVE
                                                 #:folder folder #:preset "fast"
                                                 #:name "y")))

; Refused.
(check-error "no folder: refused" "\"folder\" is missing"
             (lambda () (plug-in-atelier-train #:run-mode RUN-NONINTERACTIVE)))
(check-error "a folder that is not there: its name" "nowhere"
             (lambda ()
               (plug-in-atelier-train #:run-mode RUN-NONINTERACTIVE
                                      #:folder (string-append test-home "nowhere"))))
(check-error "a wrong kind: the words" "pix2pix, vqvae" (lambda () (train #:kind "gan")))
(check-error "a wrong preset: the words" "quick, standard, full"
             (lambda () (train #:preset "fast" #:name "x")))
(check-error "a wrong direction: the words" "AtoB, BtoA"
             (lambda () (train #:direction "left" #:name "x")))
(dir-make (string-append test-home "empty"))
(check-error "a folder without pictures: what is looked for" "empty"
             (lambda ()
               (plug-in-atelier-train #:run-mode RUN-NONINTERACTIVE
                                      #:folder (string-append test-home "empty")
                                      #:name "x")))
