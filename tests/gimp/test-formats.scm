; Translate over every kind of image that GIMP has: the layer becomes what core
; alone makes of the same numbers, and alpha stays.

(define (check-format name base type precision model-name format tolerance)
  (let* ((image (new-image 70 50 base type precision))
         (layer (top-layer image))
         (before (keep image))
         (first (hash layer)))
    (translate image (list layer) model-name)
    (check (string-append name ": pixels change") (not (string=? first (hash layer))))
    (check-probe (string-append name ": as core alone")
                 (probe (top-layer before) layer model-name 1 format tolerance))
    (gimp-image-delete before)
    (gimp-image-delete image)))

(define rounding-16 (/ 0.51 65535))

(define formats
  (list
   (list "RGB 8 bits" RGB RGB-IMAGE PRECISION-U8-NON-LINEAR "resnet" "R'G'B' float" rounding-8)
   (list "RGBA 8 bits" RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR "resnet" "R'G'B'A float" rounding-8)
   ; half a step of linear 8 bits is up to 0.025 in the dark
   (list "RGBA 8 bits linear" RGB RGBA-IMAGE PRECISION-U8-LINEAR "resnet" "R~G~B~A float" 0.026)
   (list "RGBA 8 bits perceptual" RGB RGBA-IMAGE PRECISION-U8-PERCEPTUAL "resnet" "R~G~B~A float" rounding-8)
   (list "RGBA 16 bits" RGB RGBA-IMAGE PRECISION-U16-NON-LINEAR "resnet" "R'G'B'A float" rounding-16)
   (list "RGBA 16 bits linear" RGB RGBA-IMAGE PRECISION-U16-LINEAR "resnet" "R~G~B~A float" 0.0002)
   (list "RGBA 32 bits" RGB RGBA-IMAGE PRECISION-U32-NON-LINEAR "resnet" "R'G'B'A float" 0.000001)
   (list "RGBA half" RGB RGBA-IMAGE PRECISION-HALF-NON-LINEAR "resnet" "R'G'B'A float" 0.0005)
   (list "RGBA float" RGB RGBA-IMAGE PRECISION-FLOAT-NON-LINEAR "resnet" "R'G'B'A float" 0.000001)
   (list "RGBA float linear" RGB RGBA-IMAGE PRECISION-FLOAT-LINEAR "resnet" "R~G~B~A float" 0.00002)
   (list "RGBA double" RGB RGBA-IMAGE PRECISION-DOUBLE-NON-LINEAR "resnet" "R'G'B'A float" 0.000001)
   (list "grey 8 bits, a model of colours" GRAY GRAY-IMAGE PRECISION-U8-NON-LINEAR "resnet" "Y' float" rounding-8)
   (list "grey with alpha 8 bits, a model of grey" GRAY GRAYA-IMAGE PRECISION-U8-NON-LINEAR "grey" "Y'A float" rounding-8)
   (list "grey float linear" GRAY GRAYA-IMAGE PRECISION-FLOAT-LINEAR "grey" "Y~A float" 0.00005)
   (list "RGB, a model of grey" RGB RGB-IMAGE PRECISION-U8-NON-LINEAR "grey" "R'G'B' float" rounding-8)
   (list "RGB, a model that colours" RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR "colour" "R'G'B'A float" rounding-8)
   (list "a U-Net" RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR "unet" "R'G'B'A float" rounding-8)
   (list "a residual model" RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR "residual" "R'G'B'A float" rounding-8)))

(for-each (lambda (f) (apply check-format f)) formats)

; Float layers may hold more than white.
(let* ((image (new-image 40 40 RGB RGBA-IMAGE PRECISION-FLOAT-LINEAR))
       (layer (top-layer image)))
  (plug-in-probe-fill #:drawable layer #:scale 3)
  (let ((before (keep image)))
    (translate image (list layer) "resnet")
    (check-probe "values above white are clipped"
                 (probe (top-layer before) layer "resnet" 1 "R~G~B~A float" 0.00002))))

; A profile of wide gamut: the network sees the image's own numbers.  (babl's way
; between a gamma of 2.2 and linear light is off by 0.0001, which the network of
; the test makes louder.)
(let* ((image (new-image 60 60 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR))
       (layer (top-layer image)))
  (gimp-image-set-color-profile-from-file image (string-append test-home "wide.icc"))
  (let ((before (keep image)) (first (hash layer)))
    (translate image (list layer) "resnet")
    (check "profile: pixels change" (not (string=? first (hash layer))))
    (check-probe "profile: as core alone, in the image's own numbers"
                 (probe (top-layer before) layer "resnet" 1 "R'G'B'A float" rounding-8)))
  (gimp-image-convert-precision image PRECISION-FLOAT-LINEAR)
  (let ((before (keep image)))
    (translate image (list layer) "resnet")
    (check-probe "profile, linear light: as core alone, in the profile's own curve"
                 (probe (top-layer before) layer "resnet" 1 "R'G'B'A float" 0.02))))

(let* ((image (new-image 60 60 RGB RGBA-IMAGE PRECISION-U16-NON-LINEAR))
       (layer (top-layer image)))
  (gimp-image-set-color-profile-from-file image (string-append test-home "linear.icc"))
  (let ((before (keep image)))
    (translate image (list layer) "resnet")
    (check-probe "a profile that is linear: as core alone, in a perceptual encoding"
                 (probe (top-layer before) layer "resnet" 1 "R~G~B~A float" 0.002))))

; Refused.
(let* ((image (new-image 40 40 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR))
       (layer (top-layer image)))
  (gimp-image-convert-indexed image CONVERT-DITHER-NONE CONVERT-PALETTE-GENERATE 16 FALSE FALSE "")
  (let ((first (hash layer)))
    (check-error "indexed: refused with the way out" "Image > Mode > RGB"
                 (lambda () (translate image (list layer) "resnet")))
    (check "indexed: nothing changes" (string=? first (hash layer)))))

(let* ((image (new-image 40 40 GRAY GRAY-IMAGE PRECISION-U8-NON-LINEAR))
       (layer (top-layer image))
       (first (hash layer)))
  (check-error "grey, a model that colours: refused with the way out" "Image > Mode > RGB"
               (lambda () (translate image (list layer) "colour")))
  (check "grey, a model that colours: nothing changes" (string=? first (hash layer))))
