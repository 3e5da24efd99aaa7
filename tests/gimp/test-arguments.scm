; Calls without a window check every argument themselves, say what is wrong, and
; leave the picture alone.

(define image (new-image 40 40 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR))
(define layer (top-layer image))
(define large (new-image 900 900 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR))
(define first (hash layer))

(define (check-refused name part . more)
  (check-error name part
               (lambda ()
                 (apply plug-in-atelier-translate
                        (append (list #:run-mode RUN-NONINTERACTIVE #:image image
                                      #:drawables (vector layer))
                                more))))
  (check (string-append name ": nothing changes") (string=? first (hash layer))))

(check-refused "a model that is not there: its name and what there is"
               "there is no model 'nonsense'" #:model "nonsense")
(check-refused "a model that is not there: what there is" "residual, resnet, unet"
               #:model "nonsense")
(check-refused "a wrong word for output: the words" "in-place, new-layer"
               #:model "resnet" #:output "elsewhere")
(check-refused "a wrong word for statistics: the words" "running, image, model"
               #:model "resnet" #:statistics "none")
(check-refused "a model of the wrong kind: what it is for" "vqvae" #:model "vqvae")
(check-refused "a file that is no model: its name" "wide.icc"
               #:model (string-append test-home "wide.icc"))
(check-error "too little memory: how much it takes" "MiB"
             (lambda ()
               (translate large (list (top-layer large)) "unet" #:memory 1)))
(check-refused "strength beyond 1: refused by GIMP" "out of range" #:model "resnet" #:strength 7)
(check-error "no layer: refused" "no layer is selected"
             (lambda ()
               (plug-in-atelier-translate #:run-mode RUN-NONINTERACTIVE #:image image
                                          #:drawables (vector) #:model "resnet")))

; Defaults for what is omitted: the first Pix2Pix model, over all of the layer.
(let ((before (keep image)))
  (plug-in-atelier-translate #:run-mode RUN-NONINTERACTIVE #:image image
                             #:drawables (vector layer))
  (check-probe "without a model: the first of its kind"
               (probe (top-layer before) layer "colour" 1 "R'G'B'A float" rounding-8)))
(let ((before (keep image)))
  (plug-in-atelier-translate #:run-mode RUN-NONINTERACTIVE #:image image
                             #:drawables (vector layer) #:model "resnet")
  (check-probe "a model by its name in the library"
               (probe (top-layer before) layer "resnet" 1 "R'G'B'A float" rounding-8)))
(let ((before (keep image)))
  (plug-in-atelier-translate #:run-mode RUN-NONINTERACTIVE #:image image
                             #:drawables (vector layer) #:model "unet"
                             #:statistics "image" #:seed 7 #:memory 500)
  (check "every argument given: pixels change"
         (not (string=? (hash (top-layer before)) (hash layer)))))

; What the procedure browser shows.
(for-each
 (lambda (name)
   (let ((texts (plug-in-probe-describe #:name name)))
     (check (string-append name ": a short and a long description")
            (and (> (string-length (car texts)) 20) (> (string-length (cadr texts)) 60)))
     (check (string-append name ": attributed") (contains? (caddr texts) "Atelier"))
     (check (string-append name ": in the menu") 
            (contains? (cadddr texts) "<Image>/Filters/Atelier"))))
 '("plug-in-atelier-translate" "plug-in-atelier-compress" "plug-in-atelier-train"
   "plug-in-atelier-add-pair" "plug-in-atelier-models" "script-fu-atelier-batch"
   "plug-in-atelier-tutorial"))
