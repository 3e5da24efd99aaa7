; The longer procedures, one small run of each, for valgrind to look at.

(define image (new-image 40 36 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR))
(define upper (add-layer image 40 36 0 0 RGB-IMAGE))
(define folder (string-append test-home "pairs"))
(plug-in-atelier-add-pair #:run-mode RUN-NONINTERACTIVE #:image image
                          #:drawables (gimp-image-get-layers image) #:folder folder)

(let ((result (plug-in-atelier-train #:run-mode RUN-NONINTERACTIVE #:folder folder
                                     #:kind "vqvae" #:preset "quick" #:size 32
                                     #:steps 2 #:name "tiny")))
  (check "Train has run" (file-exists? (car result))))

(gimp-image-flatten image)
(define small (string-append test-home "small"))
(dir-make small)
(gimp-file-save RUN-NONINTERACTIVE image (string-append small "/a.xcf") -1)
(let ((result (script-fu-atelier-batch #:run-mode RUN-NONINTERACTIVE #:source small
                                       #:folder (string-append test-home "done")
                                       #:model "resnet" #:format "xcf")))
  (check "Apply to a Folder has run" (= (car result) 1)))

(define vqi (string-append test-home "small.vqi"))
(file-vqi-export #:run-mode RUN-NONINTERACTIVE #:image image #:file vqi #:model "vqvae")
(check "Export as VQI has run" (file-exists? vqi))
(let ((opened (gimp-file-load RUN-NONINTERACTIVE vqi)))
  (check "Open of VQI has run" (= (gimp-image-get-width opened) 40)))
