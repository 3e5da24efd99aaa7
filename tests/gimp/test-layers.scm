; Translate over selections, and layers of all sizes and kinds.

(define format "R'G'B'A float")

(define (rgba width height)
  (new-image width height RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR))

; --- Selections ---
(let* ((image (rgba 120 90)) (layer (top-layer image)) (before (keep image)))
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 20 30 50 25)
  (translate image (list layer) "resnet")
  (let ((r (probe (top-layer before) layer "resnet" 1 format rounding-8)))
    (check-probe "rectangle: inside as core over the whole layer, outside untouched" r)
    (check "rectangle: 50 x 25 pixels" (= (cadr r) 1250))))

(let* ((image (rgba 120 90)) (layer (top-layer image)) (before (keep image)))
  (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 20 10 80 70)
  (gimp-selection-feather image 20)
  (translate image (list layer) "resnet")
  (let ((r (probe (top-layer before) layer "resnet" 1 format rounding-8)))
    (check-probe "feathered: blended where it is soft" r)
    (check "feathered: there are soft pixels" (> (caddr r) 500))))

(let* ((image (rgba 60 60)) (layer (top-layer image)) (first (hash layer)))
  (gimp-layer-set-offsets layer 40 0)
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 0 0 30 30)
  (translate image (list layer) "resnet")
  (check "a selection beside the layer: nothing changes" (string=? first (hash layer))))

(let* ((image (rgba 60 60)) (layer (top-layer image)) (before (keep image)))
  (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 0 0 30 30)
  (gimp-selection-none image)
  (translate image (list layer) "resnet")
  (check-probe "no selection: everything changes"
               (probe (top-layer before) layer "resnet" 1 format rounding-8)))

; --- Sizes and places ---
(define (check-place name width height x y)
  (let* ((image (rgba 64 64))
         (layer (add-layer image width height x y RGBA-IMAGE))
         (before (keep image)))
    (translate image (list layer) "resnet")
    (check-probe (string-append name ": as core alone")
                 (probe (top-layer before) layer "resnet" 1 format rounding-8))
    (check (string-append name ": it stays in its place")
           (equal? (gimp-drawable-get-offsets layer) (list x y)))))

(check-place "larger than the image" 150 130 -20 -30)
(check-place "smaller than the image" 21 17 5 9)
(check-place "outside the image" 50 40 200 -300)
(check-place "1 x 1" 1 1 3 3)
(check-place "1 x 70" 1 70 0 0)
(check-place "odd sides" 67 131 0 0)

; --- Strength ---
(let* ((image (rgba 50 50)) (layer (top-layer image)) (before (keep image)))
  (translate image (list layer) "resnet" #:strength 0.4)
  (check-probe "strength 0.4: as core alone"
               (probe (top-layer before) layer "resnet" 0.4 format rounding-8)))
(let* ((image (rgba 50 50)) (layer (top-layer image)) (first (hash layer)))
  (translate image (list layer) "resnet" #:strength 0)
  (check "strength 0: the exact picture" (string=? first (hash layer))))

; --- New layers ---
(let* ((image (rgba 64 64))
       (layer (add-layer image 40 30 10 20 RGBA-IMAGE))
       (first (hash layer)))
  (gimp-layer-set-opacity layer 60)
  (translate image (list layer) "resnet" #:output "new-layer")
  (let ((made (top-layer image)))
    (check "new layer: there is one more" (= (vector-length (gimp-image-get-layers image)) 3))
    (check "new layer: the old one is as it was" (string=? first (hash layer)))
    (check "new layer: it lies where the old one lies"
           (equal? (gimp-drawable-get-offsets made) '(10 20)))
    (check "new layer: same opacity" (= (gimp-layer-get-opacity made) 60))
    (check "new layer: its name tells" (contains? (gimp-item-get-name made) "resnet"))
    (check-probe "new layer: as core alone" (probe layer made "resnet" 1 format rounding-8))))

(let* ((image (rgba 64 64)) (layer (top-layer image)) (first (hash layer)))
  (gimp-item-set-lock-content layer TRUE)
  (translate image (list layer) "resnet" #:output "new-layer")
  (check "a locked layer as a new one: the old one is as it was" (string=? first (hash layer)))
  (check-probe "a locked layer as a new one: as core alone"
               (probe layer (top-layer image) "resnet" 1 format rounding-8)))

; --- Kinds of layers ---
(let* ((image (rgba 64 64)) (layer (top-layer image)) (first (hash layer)))
  (gimp-item-set-lock-content layer TRUE)
  (check-error "locked: refused in GIMP's words" "cannot be modified because its contents are locked"
               (lambda () (translate image (list layer) "resnet")))
  (check "locked: nothing changes" (string=? first (hash layer))))

(let* ((image (rgba 64 64))
       (group (gimp-group-layer-new image "group"))
       (inner (gimp-layer-new image "inner" 64 64 RGBA-IMAGE 100 LAYER-MODE-NORMAL)))
  (gimp-image-insert-layer image group 0 0)
  (gimp-image-insert-layer image inner group 0)
  (plug-in-probe-fill #:drawable inner)
  (let ((first (hash inner)) (before (keep image)))
    (check-error "group: refused with the way out" "layer group"
                 (lambda () (translate image (list group) "resnet")))
    (check-error "group as a new layer: refused" "no layer with pixels of its own"
                 (lambda () (translate image (list group) "resnet" #:output "new-layer")))
    (check "group: nothing changes" (string=? first (hash inner)))
    (translate image (list inner) "resnet" #:output "new-layer")
    (let ((children (gimp-item-get-children group)))
      (check "a layer in a group: the new one is in the group" (= (vector-length children) 2))
      (check-probe "a layer in a group: as core alone"
                   (probe inner (vector-ref children 0) "resnet" 1 format rounding-8)))
    (gimp-item-set-lock-content group TRUE)
    (check-error "a layer in a locked group: refused" "contents are locked"
                 (lambda () (translate image (list inner) "resnet")))))

(let* ((image (rgba 64 64)) (layer (top-layer image))
       (mask (gimp-layer-create-mask layer ADD-MASK-WHITE)))
  (gimp-layer-add-mask layer mask)
  (plug-in-probe-fill #:drawable mask)
  (let ((mask-first (hash mask)) (before (keep image)))
    (translate image (list layer) "resnet")
    (check-probe "a layer with a mask: its pixels as core alone"
                 (probe (top-layer before) layer "resnet" 1 format rounding-8))
    (check "a layer with a mask: the mask is as it was" (string=? mask-first (hash mask)))
    (translate image (list layer) "resnet" #:output "new-layer")
    (check "a new layer keeps the mask"
           (string=? mask-first (hash (gimp-layer-get-mask (top-layer image)))))
    (check-error "a mask as a new layer: refused" "no layer with pixels of its own"
                 (lambda () (translate image (list mask) "resnet" #:output "new-layer")))
    (translate image (list mask) "grey")
    (check-probe "the mask itself: as core alone"
                 (probe (gimp-layer-get-mask (top-layer before)) mask "grey" 1 "Y' float" 0.026))))

(let* ((image (rgba 200 80))
       (layer (gimp-text-layer-new image "Atelier" (gimp-context-get-font) 40 UNIT-PIXEL)))
  (gimp-image-insert-layer image layer 0 0)
  (let ((before (keep image)) (first (hash layer)))
    (translate image (list layer) "resnet")
    (check "text: pixels change" (not (string=? first (hash layer))))
    (check-probe "text: as core alone, alpha kept"
                 (probe (top-layer before) layer "resnet" 1 format rounding-8))))

; --- Several ---
(let* ((image (rgba 64 64))
       (a (add-layer image 30 30 0 0 RGBA-IMAGE))
       (b (add-layer image 50 20 5 5 RGB-IMAGE))
       (bottom (vector-ref (gimp-image-get-layers image) 2))
       (bottom-first (hash bottom))
       (before (gimp-image-get-layers (keep image))))
  (translate image (list a b) "resnet")
  (check-probe "two layers: the first as core alone"
               (probe (vector-ref before 1) a "resnet" 1 format rounding-8))
  (check-probe "two layers: the second as core alone"
               (probe (vector-ref before 0) b "resnet" 1 "R'G'B' float" rounding-8))
  (check "two layers: a third is as it was" (string=? bottom-first (hash bottom)))
  (let ((first (hash a)))
    (gimp-item-set-lock-content b TRUE)
    (check-error "one of two is locked: refused" "locked"
                 (lambda () (translate image (list a b) "resnet")))
    (check "one of two is locked: neither changes" (string=? first (hash a)))))
