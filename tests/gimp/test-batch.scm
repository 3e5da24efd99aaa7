; A folder of pictures through a filter, through Script-Fu.

(define in (string-append test-home "in"))
(define out (string-append test-home "out"))
(dir-make in)

(define (write-picture name width type precision)
  (let ((image (new-image width 30 RGB type precision)))
    (gimp-file-save RUN-NONINTERACTIVE image (string-append in "/" name) -1)
    (gimp-image-delete image)))

(write-picture "a.png" 40 RGB-IMAGE PRECISION-U8-NON-LINEAR)
(write-picture "b.png" 50 RGBA-IMAGE PRECISION-U16-NON-LINEAR)
(write-picture "c \"d\" \\ é.xcf" 60 RGBA-IMAGE PRECISION-FLOAT-LINEAR)
(define (write-text name text)
  (let ((port (open-output-file (string-append in "/" name))))
    (display text port)
    (close-output-port port)))
(write-text "broken.png" "this is no picture")
(write-text "notes.txt" "not looked at")

(define (load-layer path) (top-layer (gimp-file-load RUN-NONINTERACTIVE path)))

(define (batch source folder . more)
  (apply script-fu-atelier-batch
         (append (list #:run-mode RUN-NONINTERACTIVE #:source source #:folder folder)
                 more)))
; Done, failed.
(define (counts result) (list (car result) (cadr result)))
(define (in-home name) (string-append test-home name))

(let* ((result (batch in out #:model "resnet"))
       (failures (caddr result)))
  (check "three are done, one has failed" (equal? (counts result) '(3 1)))
  (check "the report says which" (and (= (length failures) 1)
                                      (contains? (car failures) "broken.png: "))))
(check "every good one is there"
       (and (file-exists? (string-append out "/a.png"))
            (file-exists? (string-append out "/b.png"))
            (file-exists? (string-append out "/c \"d\" \\ é.png"))))
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

(let* ((first (hash (load-layer (string-append out "/a.png"))))
       (result (batch in out #:model "unet")))
  (check "nothing is overwritten: all count as failed" (equal? (counts result) '(0 4)))
  (check "nothing is overwritten: the report says so"
         (contains? (apply string-append (caddr result)) "a.png: a picture of this name"))
  (check "nothing is overwritten: the pixels"
         (string=? first (hash (load-layer (string-append out "/a.png"))))))

(check "a pattern: what it fits"
       (equal? '(2 0) (counts (batch (string-append in "/?.png") (in-home "patterned")
                                     #:model "resnet" #:format "xcf"))))
(check "another format" (file-exists? (in-home "patterned/b.xcf")))
(check "compress: three are done"
       (equal? '(3 1) (counts (batch in (in-home "small") #:model "vqvae"
                                     #:filter "compress"))))
(check "without a model: the first that fits"
       (equal? '(1 0) (counts (batch (string-append in "/a.*") (in-home "first")
                                     #:filter "compress"))))

; Refused, before anything is made.
(check-error "a folder that is not there: refused" "there is no such folder"
             (lambda () (batch (in-home "nowhere") out #:model "resnet")))
(check-error "no folder for the results: refused" "\"folder\" is missing"
             (lambda () (script-fu-atelier-batch #:run-mode RUN-NONINTERACTIVE
                                                 #:source in)))
(check-error "a folder without pictures: refused" "there are no pictures"
             (lambda () (batch (string-append in "/*.gif") (in-home "no"))))
(check-error "a wrong filter: the words" "translate, compress"
             (lambda () (batch in (in-home "no") #:filter "burn")))
(check-error "a wrong format: the words" "png, jpg, tif"
             (lambda () (batch in (in-home "no") #:format "doc")))
(check-error "a model that is not there: refused" "there is no model 'nonsense'"
             (lambda () (batch in (in-home "none") #:model "nonsense")))
(check-error "a model of the wrong kind: refused" "vqvae"
             (lambda () (batch in (in-home "none") #:model "vqvae")))
(check "refused: no folder is made" (not (file-exists? (in-home "none"))))
