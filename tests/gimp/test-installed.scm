; A copied folder works as it is: scripts, translations, icons and models are in it.
; (run-gimp.py --installed has meson install it, and copies it.)

(define folder (string-append test-home "plug-ins/atelier/"))
(define (there? name) (file-exists? (string-append folder name)))
(define image (new-image 40 30 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR))
(define in (string-append test-home "in"))
(define out (string-append test-home "out"))

(check "catalogues" (and (there? "locale/zh_CN/LC_MESSAGES/atelier.mo")
                         (there? "locale/ja/LC_MESSAGES/atelier.mo")))
(check "scripts" (and (there? "scripts/atelier-batch.scm")
                      (there? "scripts/atelier-train.scm")))
(check "icons" (there? "icons/plug-in-atelier-translate.svg"))
(check "it speaks German"
       (contains? (list-ref (plug-in-probe-describe #:name "plug-in-atelier-models") 4)
                  "_Modelle verwalten"))

(dir-make in)
(gimp-file-save RUN-NONINTERACTIVE image (string-append in "/a.png") -1)
(let ((result (script-fu-atelier-batch #:run-mode RUN-NONINTERACTIVE #:source in
                                       #:folder out #:model "resnet")))
  (check "Script-Fu over a folder" (and (= (car result) 1) (= (cadr result) 0)
                                        (file-exists? (string-append out "/a.png")))))
(check-error "Script-Fu for training" "es ist eines von: quick, standard, full"
             (lambda () (script-fu-atelier-train #:run-mode RUN-NONINTERACTIVE
                                                 #:folder in #:preset "fast")))

; Every model beside the executable is found, and the first of them runs.
(define models (plug-in-atelier-models #:run-mode RUN-NONINTERACTIVE))
(define (own? file) (contains? file folder))
(define (shipped kind)
  (let loop ((kinds (list-ref models 2)) (files (list-ref models 4)))
    (cond ((null? kinds) '())
          ((and (string=? kind (car kinds)) (own? (car files)))
           (cons (car files) (loop (cdr kinds) (cdr files))))
          (else (loop (cdr kinds) (cdr files))))))
(let ((shipped (shipped "pix2pix")))
  (say "# models that came along: " shipped)
  (if (pair? shipped)
      (let ((first (hash (top-layer image))))
        (plug-in-atelier-translate #:run-mode RUN-NONINTERACTIVE #:image image
                                   #:drawables (gimp-image-get-layers image)
                                   #:model (car shipped))
        (check "a model that came along runs"
               (not (string=? first (hash (top-layer image))))))))
