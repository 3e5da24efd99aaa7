; A folder of pictures through a filter, from Script-Fu.

(define in (string-append test-home "in"))
(define out (string-append test-home "out"))
(dir-make in)

(define (write-picture name width type precision)
  (let ((image (new-image width 30 RGB type precision)))
    (gimp-file-save RUN-NONINTERACTIVE image (string-append in "/" name) -1)
    (gimp-image-delete image)))

(write-picture "a.png" 40 RGB-IMAGE PRECISION-U8-NON-LINEAR)
(write-picture "b.png" 50 RGBA-IMAGE PRECISION-U16-NON-LINEAR)
(write-picture "c.xcf" 60 RGBA-IMAGE PRECISION-FLOAT-LINEAR)
(define (write-text name text)
  (let ((port (open-output-file (string-append in "/" name))))
    (display text port)
    (close-output-port port)))
(write-text "broken.png" "this is no picture")
(write-text "notes.txt" "not looked at")

(define (load-layer path) (top-layer (gimp-file-load RUN-NONINTERACTIVE path)))

(define counts (script-fu-atelier-batch in out "resnet" "translate" "png"))
(check "three are done, one has failed" (equal? counts '(3 1)))
(check "every good one is there"
       (and (file-exists? (string-append out "/a.png"))
            (file-exists? (string-append out "/b.png"))
            (file-exists? (string-append out "/c.png"))))
(check "nothing is there for the bad one"
       (not (file-exists? (string-append out "/broken.png"))))
(check-probe "8 bits: as core alone"
             (probe (load-layer (string-append in "/a.png"))
                    (load-layer (string-append out "/a.png"))
                    "resnet" 1 "R'G'B' float" rounding-8))
(check-probe "16 bits: as core alone"
             (probe (load-layer (string-append in "/b.png"))
                    (load-layer (string-append out "/b.png"))
                    "resnet" 1 "R'G'B'A float" 0.00001))

(define counts (script-fu-atelier-batch in out "resnet" "translate" "png"))
(check "nothing is overwritten: all count as failed" (equal? counts '(0 4)))

(define counts (script-fu-atelier-batch (string-append in "/?.png")
                                        (string-append test-home "patterned")
                                        "resnet" "translate" "xcf"))
(check "a pattern: what it fits" (equal? counts '(2 0)))
(check "another format" (file-exists? (string-append test-home "patterned/b.xcf")))

(define counts (script-fu-atelier-batch in (string-append test-home "small")
                                        "vqvae" "compress" "png"))
(check "compress: three are done" (equal? counts '(3 1)))

(define (batch . arguments)
  (lambda () (apply script-fu-atelier-batch arguments)))
(check-error "a folder that is not there: refused" "there is no such folder"
             (batch (string-append test-home "nowhere") out "resnet" "translate" "png"))
(check-error "a wrong filter: the words" "translate, compress"
             (batch in out "resnet" "burn" "png"))
(check-error "a wrong format: the words" "png, jpg, tif"
             (batch in out "resnet" "translate" "doc"))
(check "a model that is not there: all fail, none stops"
       (equal? (script-fu-atelier-batch in (string-append test-home "none") "nonsense"
                                        "translate" "png")
               '(0 4)))
