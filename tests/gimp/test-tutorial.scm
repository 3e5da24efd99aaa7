; The tutorial's set: photographs, and the same after one of GIMP's filters.

(define photographs (string-append test-source "../../data/samples/tutorial"))
(define folder (string-append test-home "tutorial"))

(define (make . more)
  (apply plug-in-atelier-tutorial
         (append (list #:run-mode RUN-NONINTERACTIVE #:folder folder
                       #:pictures photographs)
                 more)))
(define (open side name)
  (gimp-file-load RUN-NONINTERACTIVE (string-append folder "/" side "/" name)))
(define (pixels image) (hash (top-layer image)))

(check "as many pairs as asked for" (= (make #:count 3) 3))
(let* ((name "beacon-street-sunset.png")
       (photograph (gimp-file-load RUN-NONINTERACTIVE
                                   (string-append photographs
                                                  "/beacon-street-sunset.jpg")))
       (a (open "A" name)) (b (open "B" name)))
  (check "A is the photograph" (string=? (pixels a) (pixels photograph)))
  (check "B is another picture" (not (string=? (pixels b) (pixels a))))
  (check "of the same size"
         (and (= (gimp-image-get-width a) (gimp-image-get-width b))
              (= (gimp-image-get-height a) (gimp-image-get-height b))))
  (gimp-drawable-merge-new-filter (top-layer photograph) "gegl:photocopy" ""
                                  LAYER-MODE-REPLACE 1.0 "mask-radius" 10.0
                                  "sharpness" 0.5)
  (check "it is what GIMP's filter makes of it"
         (string=? (pixels b) (pixels photograph))))
(check "three pairs and no more"
       (not (file-exists? (string-append folder "/A/casa-mila.png"))))
(check-error "nothing is overwritten" "empty folder" (lambda () (make #:count 3)))

(set! folder (string-append test-home "cartoons"))
(check "more asked for than there are: all" (= (make #:count 100 #:filter "cartoon") 11))
(check "another filter, another picture"
       (not (string=? (pixels (open "A" "casa-mila.png"))
                      (pixels (open "B" "casa-mila.png")))))

(check-error "a wrong filter: the words" "photocopy, cartoon, oilify, softglow"
             (lambda () (make #:filter "blur")))
(check-error "no folder: refused" "\"folder\" is missing"
             (lambda ()
               (plug-in-atelier-tutorial #:run-mode RUN-NONINTERACTIVE
                                         #:pictures photographs)))
(check-error "photographs that are not there: their place" "nowhere"
             (lambda () (make #:pictures (string-append test-home "nowhere"))))
(dir-make (string-append test-home "empty"))
(check-error "a folder without pictures" "empty"
             (lambda () (make #:pictures (string-append test-home "empty"))))

; And then one trains.
(set! folder (string-append test-home "tutorial"))
(let ((result (plug-in-atelier-train #:run-mode RUN-NONINTERACTIVE #:folder folder
                                     #:preset "quick" #:size 64 #:steps 3
                                     #:name "photocopy")))
  (check "it can be trained on" (string=? (car result) (model "photocopy"))))
