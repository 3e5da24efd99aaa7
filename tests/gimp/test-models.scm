; Models: list, import, rename, remove.

(define (models . more)
  (apply plug-in-atelier-models (append (list #:run-mode RUN-NONINTERACTIVE) more)))

(define (ids result) (vector->list* (cadr result)))
(define (vector->list* x) (if (vector? x) (vector->list x) x))
(define (known? name) (member name (ids (models))))

(let ((list (models)))
  (check "without arguments: the list" (member "resnet" (vector->list* (cadr list))))
  (check "the list has kinds" (member "vqvae" (vector->list* (caddr list)))))

(let ((result (models #:action "rename" #:model "resnet" #:name "My Style")))
  (check "rename: the new file" (contains? (car result) "/My Style.safetensors"))
  (check "rename: the new name is known" (known? "My Style"))
  (check "rename: the old one is not" (not (known? "resnet"))))
(check-error "rename to a name that is taken: refused" "already have a model"
             (lambda () (models #:action "rename" #:model "unet" #:name "My Style")))
(check "rename to a name that is taken: it stays" (known? "unet"))

(models #:action "import" #:name "copy" #:file (model "unet"))
(check "import: it is known" (known? "copy"))
(check-error "import what is there already: refused" "already have a model"
             (lambda () (models #:action "import" #:file (model "unet"))))
(check-error "import of no model: its name" "wide.icc"
             (lambda () (models #:action "import" #:file (string-append test-home "wide.icc"))))
(check-error "import of a missing file: its name" "missing.pth"
             (lambda () (models #:action "import" #:file (string-append test-home "missing.pth"))))

(models #:action "remove" #:model "copy")
(check "remove: it is gone" (not (known? "copy")))
(check-error "remove what is not there: refused" "there is no model 'copy'"
             (lambda () (models #:action "remove" #:model "copy")))
(check-error "remove what is not one's own: refused" "none of your own models"
             (lambda ()
               (models #:action "remove"
                       #:model (string-append test-home "elsewhere/grey.safetensors"))))
(check "remove what is not one's own: it stays"
       (file-exists? (string-append test-home "elsewhere/grey.safetensors")))

(check-error "a wrong action: the words" "list, import, rename, remove"
             (lambda () (models #:action "burn")))
(check-error "import without a file: refused" "\"file\" is missing"
             (lambda () (models #:action "import")))
(check-error "rename without a name: refused" "\"name\" is missing"
             (lambda () (models #:action "rename" #:model "unet")))
