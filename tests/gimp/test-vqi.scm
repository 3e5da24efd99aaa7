; .vqi files: exported, opened, as GIMP's other formats.

(define (export image path . more)
  (apply file-vqi-export
         (append (list #:run-mode RUN-NONINTERACTIVE #:image image #:file path
                       #:model "vqvae")
                 more)))

(define (open path)
  (file-vqi-load #:run-mode RUN-NONINTERACTIVE #:file path))

(define (path name) (string-append test-home name ".vqi"))

; Exports, opens, and compares the form.
(define (check-form name base type precision)
  (let* ((image (new-image 90 70 base type precision)) (layer (top-layer image)))
    (gimp-image-set-resolution image 300 150)
    (export image (path name))
    (let* ((back (open (path name))) (again (top-layer back)))
      (check (string-append name ": size")
             (and (= (gimp-image-get-width back) 90) (= (gimp-image-get-height back) 70)))
      (check (string-append name ": base and alpha")
             (and (= (gimp-image-get-base-type back) base)
                  (eqv? (gimp-drawable-has-alpha again) (gimp-drawable-has-alpha layer))))
      (check (string-append name ": precision")
             (= (gimp-image-get-precision back) precision))
      (check (string-append name ": resolution")
             (let ((resolution (gimp-image-get-resolution back)))
               (and (< (abs (- (car resolution) 300)) 0.01)
                    (< (abs (- (cadr resolution) 150)) 0.01)))))))

(check-form "rgb" RGB RGB-IMAGE PRECISION-U8-NON-LINEAR)
(check-form "rgba" RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR)
(check-form "grey" GRAY GRAY-IMAGE PRECISION-U8-NON-LINEAR)
(check-form "greya-16" GRAY GRAYA-IMAGE PRECISION-U16-NON-LINEAR)
(check-form "rgba-16" RGB RGBA-IMAGE PRECISION-U16-NON-LINEAR)
(check-form "float" RGB RGBA-IMAGE PRECISION-FLOAT-NON-LINEAR)

; The pixels are those of Compress, which are the model's.
(let* ((image (new-image 90 70 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR))
       (layer (top-layer image)))
  (export image (path "same"))
  (plug-in-atelier-compress #:run-mode RUN-NONINTERACTIVE #:image image
                            #:drawables (vector layer) #:model "vqvae")
  (check "an opened file has the pixels that Compress shows"
         (string=? (hash layer) (hash (top-layer (open (path "same"))))))
  (export image (path "one") #:quality 1)
  (check "quality 1 is another picture"
         (not (string=? (hash (top-layer (open (path "one"))))
                        (hash (top-layer (open (path "same")))))))
  (check "GIMP itself opens it by its name"
         (string=? (hash (top-layer (gimp-file-load RUN-NONINTERACTIVE (path "same"))))
                   (hash layer)))
  (gimp-image-undo-enable image)
  (check "GIMP itself exports it by its name"
         (begin (gimp-file-save RUN-NONINTERACTIVE image (path "named") -1)
                (= (gimp-image-get-width (open (path "named"))) 90))))

; Several layers become one; small ones the size of the image; colours of an
; indexed image are its colours.
(let* ((image (new-image 60 50 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR)))
  (add-layer image 30 20 40 -5 RGBA-IMAGE)
  (export image (path "layers"))
  (let ((back (open (path "layers"))))
    (check "layers: one, of the image's size"
           (and (= (vector-length (gimp-image-get-layers back)) 1)
                (= (gimp-drawable-get-width (top-layer back)) 60)
                (= (gimp-drawable-get-height (top-layer back)) 50)))
    (check "layers: the image is as it was"
           (= (vector-length (gimp-image-get-layers image)) 2))))

(let* ((image (new-image 60 50 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR)))
  (gimp-layer-set-offsets (top-layer image) 10 5)
  (export image (path "offset"))
  (let ((back (open (path "offset"))))
    (check "a layer aside: the file has the image's size"
           (and (= (gimp-image-get-width back) 60)
                (= (gimp-drawable-get-width (top-layer back)) 60)))
    (check "a layer aside: transparent where it is not"
           (= (list-ref (gimp-drawable-get-pixel (top-layer back) 0 0) 3) 0))
    (check "a layer aside: it stays there"
           (= (car (gimp-drawable-get-offsets (top-layer image))) 10))))

(let ((image (new-image 60 50 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR)))
  (gimp-image-convert-indexed image CONVERT-DITHER-NONE CONVERT-PALETTE-GENERATE 8 FALSE FALSE "")
  (export image (path "indexed"))
  (check "an indexed image: RGB" (= (gimp-image-get-base-type (open (path "indexed"))) RGB))
  (check "an indexed image: it stays one" (= (gimp-image-get-base-type image) INDEXED)))

; Profile and metadata.
; Whether the pixels are meant in the profile wide.icc: then they are others in
; another one.
(define (hash-in-linear image)
  (gimp-image-convert-color-profile-from-file
   image (string-append test-home "linear.icc") COLOR-RENDERING-INTENT-PERCEPTUAL FALSE)
  (hash (top-layer image)))

(let ((image (new-image 60 50 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR)))
  (gimp-image-set-color-profile-from-file image (string-append test-home "wide.icc"))
  (export image (path "wide") #:include-color-profile TRUE)
  (export image (path "narrow") #:include-color-profile FALSE)
  (let ((wide (open (path "wide"))) (narrow (open (path "narrow"))) (again (open (path "wide"))))
    (gimp-image-set-color-profile-from-file narrow (string-append test-home "wide.icc"))
    (check "the profile is kept"
           (string=? (hash-in-linear wide) (hash-in-linear narrow)))
    (check "and left out if asked"
           (not (string=? (hash-in-linear again) (hash-in-linear (open (path "narrow"))))))))

(define (tag image name value)
  (plug-in-probe-tag #:image image #:tag name #:value value))

(let ((image (new-image 60 50 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR)))
  (tag image "Exif.Image.Artist" "Ana")
  (tag image "Xmp.dc.source" "a walk")
  (export image (path "tags") #:include-exif TRUE #:include-xmp TRUE)
  (export image (path "no-tags") #:include-exif FALSE #:include-xmp FALSE)
  (let ((back (open (path "tags"))) (without (open (path "no-tags"))))
    (check "Exif is kept" (string=? (tag back "Exif.Image.Artist" "") "Ana"))
    (check "XMP is kept" (string=? (tag back "Xmp.dc.source" "") "a walk"))
    (check "Exif and XMP are left out if asked"
           (not (or (string=? (tag without "Exif.Image.Artist" "") "Ana")
                    (string=? (tag without "Xmp.dc.source" "") "a walk"))))))

; A thumbnail knows the size.
(let* ((image (new-image 600 300 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR)))
  (export image (path "large"))
  (let ((answer (file-vqi-load-thumb #:file (path "large") #:thumb-size 128)))
    (check "thumbnail: small" (= (gimp-image-get-width (car answer)) 128))
    (check "thumbnail: its picture's size" (and (= (cadr answer) 600) (= (caddr answer) 300)))))

; What goes wrong is said.
(let ((image (new-image 60 50 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR)))
  (check-error "a quality that the model lacks" "qualities 1 to 2"
               (lambda () (export image (path "x") #:quality 3)))
  (check-error "a Pix2Pix model" "Pix2Pix generator"
               (lambda () (export image (path "x") #:model "resnet")))
  (check-error "no .vqi file" "no .vqi file"
               (lambda () (open (string-append test-home "wide.icc"))))
  (check-error "nowhere to write" "nowhere"
               (lambda () (export image "/nowhere/x.vqi")))
  (file-delete (model "vqvae"))
  (check-error "a missing model: its name" "vqvae" (lambda () (open (path "rgb"))))
  (check-error "a missing model: where to put it" "atelier/models"
               (lambda () (open (path "rgb")))))
