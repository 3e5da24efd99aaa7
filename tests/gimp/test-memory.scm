; One run of each procedure, small, for valgrind to look at.

(define image (new-image 40 36 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR))
(define layer (top-layer image))
(define upper (add-layer image 30 30 5 5 RGBA-IMAGE))
(define folder (string-append test-home "pairs"))
(gimp-image-select-rectangle image CHANNEL-OP-REPLACE 4 4 30 20)
(define before (hash layer))

(translate image (list layer upper) "resnet" #:output "new-layer")
(translate image (list layer) "resnet")
(check "Translate has run" (not (string=? before (hash layer))))
(define before (hash layer))
(plug-in-atelier-compress #:run-mode RUN-NONINTERACTIVE #:image image
                          #:drawables (vector layer) #:model "vqvae")
(check "Compress has run" (not (string=? before (hash layer))))
(gimp-selection-none image)
(let ((pair (plug-in-atelier-add-pair #:run-mode RUN-NONINTERACTIVE #:image image
                                      #:drawables (vector layer upper)
                                      #:folder folder)))
  (check "Add Layers as a Training Pair has run" (file-exists? (cadr pair))))
(plug-in-atelier-models #:run-mode RUN-NONINTERACTIVE #:action "import"
                        #:file (model "grey") #:name "copy")
(check "Manage Models has run" (file-exists? (model "copy")))
(check-error "an error has its message" "in-place"
             (lambda () (translate image (list layer) "resnet" #:output "x")))
(check-error "Train ends with its message" "nowhere"
             (lambda ()
               (plug-in-atelier-train #:run-mode RUN-NONINTERACTIVE
                                      #:folder (string-append test-home "nowhere"))))
