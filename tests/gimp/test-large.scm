; 24 megapixels within 512 MiB for the network; what the plug-in takes in all is
; checked by run-gimp.py --max-peak (GEGL keeps the layer and its result, some
; 150 MB, beside the network's share).

(let* ((image (gimp-image-new-with-precision 6000 4000 RGB PRECISION-U8-NON-LINEAR))
       (layer (gimp-layer-new image "large" 6000 4000 RGB-IMAGE 100 LAYER-MODE-NORMAL)))
  (gimp-image-insert-layer image layer 0 0)
  (gimp-drawable-fill layer FILL-WHITE)
  (let ((first (hash layer)))
    (translate image (list layer) "residual" #:memory 512)
    (check "6000 x 4000: pixels change" (not (string=? first (hash layer))))
    (check "6000 x 4000: so does the last one"
           (not (equal? (gimp-drawable-get-pixel layer 5999 3999) '(255 255 255))))))
