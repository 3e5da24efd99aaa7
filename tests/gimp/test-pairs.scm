; Two layers become a pair of training pictures.

(define folder (string-append test-home "pairs"))

(define (add-pair image layers . more)
  (apply plug-in-atelier-add-pair
         (append (list #:run-mode RUN-NONINTERACTIVE #:image image
                       #:drawables (list->vector layers) #:folder folder)
                 more)))

(define (open path) (gimp-file-load RUN-NONINTERACTIVE path))

(define (pixels path) (hash (top-layer (open path))))

(define image (new-image 60 40 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR))
(define below (top-layer image))
(define above (add-layer image 60 40 0 0 RGB-IMAGE))
(gimp-drawable-invert above FALSE)

(let ((pair (add-pair image (list above below))))
  (check "the lower layer is A" (contains? (car pair) "/pairs/A/pair-0001.png"))
  (check "the upper layer is B" (contains? (cadr pair) "/pairs/B/pair-0001.png"))
  (check "A: the exact pixels" (string=? (hash below) (pixels (car pair))))
  (check "B: the exact pixels" (string=? (hash above) (pixels (cadr pair)))))
(let ((pair (add-pair image (list below above))))
  (check "whatever the order they are given in: the next number"
         (contains? (car pair) "/pairs/A/pair-0002.png"))
  (check "whatever the order they are given in: the lower one is A"
         (string=? (hash below) (pixels (car pair)))))
(let ((pair (add-pair image (list below above) #:name "cat")))
  (check "a name of one's own" (contains? (car pair) "/pairs/A/cat-0001.png")))

; What they have in common.
(gimp-layer-set-offsets above 20 -10)
(let* ((pair (add-pair image (list below above)))
       (a (open (car pair))) (b (open (cadr pair))))
  (check "shifted: both have the size of what they share"
         (and (= (gimp-image-get-width a) 40) (= (gimp-image-get-height a) 30)
              (= (gimp-image-get-width b) 40) (= (gimp-image-get-height b) 30)))
  (check "shifted: the pixels lie over each other"
         (equal? (gimp-drawable-get-pixel (top-layer b) 3 4)
                 (gimp-drawable-get-pixel above 3 14)))
  (check "shifted: A likewise"
         (equal? (gimp-drawable-get-pixel (top-layer a) 3 4)
                 (gimp-drawable-get-pixel below 23 4))))
(gimp-image-select-rectangle image CHANNEL-OP-REPLACE 25 5 10 12)
(let ((a (open (car (add-pair image (list below above))))))
  (check "a selection: its bounds"
         (and (= (gimp-image-get-width a) 10) (= (gimp-image-get-height a) 12))))
(gimp-selection-none image)

; Depth, alpha and profile.
(let* ((deep (new-image 30 20 RGB RGBA-IMAGE PRECISION-U16-NON-LINEAR))
       (upper (add-layer deep 30 20 0 0 RGBA-IMAGE)))
  (gimp-image-set-color-profile-from-file deep (string-append test-home "wide.icc"))
  (let* ((pair (add-pair deep (list upper (vector-ref (gimp-image-get-layers deep) 1))))
         (a (open (car pair))))
    (check "16 bits stay 16 bits" (= (gimp-image-get-precision a) PRECISION-U16-NON-LINEAR))
    (check "alpha stays" (gimp-drawable-has-alpha (top-layer a)))
    ; the hash holds the name of the format's space
    (check "the profile goes along, the pixels are exact"
           (string=? (hash (vector-ref (gimp-image-get-layers deep) 1))
                     (hash (top-layer a))))))

; A folder that has other names.
(define folder (string-append test-home "named"))
(dir-make folder)
(dir-make (string-append folder "/input"))
(dir-make (string-append folder "/target"))
(check "folders that are there are used"
       (contains? (cadr (add-pair image (list below above))) "/named/target/pair-0001.png"))

; Refused.
(check-error "one layer: refused" "select two" (lambda () (add-pair image (list below))))
(gimp-layer-set-offsets above 500 0)
(check-error "layers apart: refused" "do not overlap"
             (lambda () (add-pair image (list below above))))
(check-error "no folder: refused" "\"folder\" is missing"
             (lambda ()
               (plug-in-atelier-add-pair #:run-mode RUN-NONINTERACTIVE #:image image
                                         #:drawables (vector below above))))
(gimp-layer-set-offsets above 0 0)
(check-error "a name with folders: refused" "without folders"
             (lambda () (add-pair image (list below above) #:name "a/b")))
