; What the tests in GIMP share: TAP, errors, pictures to work on.

(script-fu-use-v3)

(define tap (open-output-file (string-append test-home "tap")))
(define n-checks 0)

(define (text x)
  (let ((port (open-output-string)))
    (display x port)
    (get-output-string port)))

(define (say . parts)
  (for-each (lambda (part) (display part tap)) parts)
  (newline tap))

(define (check name ok)
  (set! n-checks (+ n-checks 1))
  (say (if ok "ok " "not ok ") n-checks " - " name))

(define (done)
  (say "# done")
  (close-output-port tap))

(define (contains? string part)
  (let ((n (string-length part)))
    (let loop ((i 0))
      (cond ((> (+ i n) (string-length string)) #f)
            ((string=? (substring string i (+ i n)) part) #t)
            (else (loop (+ i 1)))))))

; The message of the error that (thunk) ends with; "" if it ends well.
(define last-error "")
(define (throw . x)
  (set! last-error x)
  (if (more-handlers?) (apply (pop-handler)) (apply error x)))
(define *error-hook* throw)

(define (error-of thunk)
  (set! last-error '("error"))
  (catch (apply string-append (map (lambda (x) (string-append (text x) " "))
                                   last-error))
         (begin (thunk) "")))

(define (check-error name part thunk)
  (let ((message (error-of thunk)))
    (check name (contains? message part))
    (if (not (contains? message part))
        (say "# got: " message))))

; --- Pictures ---

(define (model name)
  (string-append test-home "data/atelier/models/" name ".safetensors"))

(define (add-layer image width height x y type)
  (let ((layer (gimp-layer-new image "layer" width height type 100
                               LAYER-MODE-NORMAL)))
    (gimp-image-insert-layer image layer 0 0)
    (gimp-layer-set-offsets layer x y)
    (plug-in-probe-fill #:drawable layer)
    layer))

; An image with one layer of its own size.
(define (new-image width height base type precision)
  (let ((image (gimp-image-new-with-precision width height base precision)))
    (gimp-image-undo-enable image)
    (add-layer image width height 0 0 type)
    image))

(define (top-layer image)
  (vector-ref (gimp-image-get-layers image) 0))

(define (hash drawable)
  (plug-in-probe-hash #:drawable drawable))

; A copy of the image's layers to compare with later.
(define (keep image)
  (gimp-image-duplicate image))

(define (translate image layers name . more)
  (apply plug-in-atelier-translate
         (append (list #:run-mode RUN-NONINTERACTIVE #:image image
                       #:drawables (list->vector layers) #:model (model name))
                 more)))

; (wrong selected partial worst) of `after` against `before` through the model.
(define (probe before after name strength format tolerance)
  (plug-in-probe-check #:before before #:after after #:model (model name)
                       #:strength strength #:format format
                       #:tolerance tolerance))

(define (check-probe name result)
  (check name (= (car result) 0))
  (if (not (= (car result) 0))
      (say "# " (car result) " values wrong, by up to " (cadddr result))))

(define rounding-8 (/ 0.51 255))
