; Targets for artistic models, made of clean pictures by GIMP's own filters.
;
;   (make-targets STYLE SOURCE TARGET)   STYLE: "ink" or "mono"
;
; Every PNG of the folder SOURCE becomes one of the same name in TARGET.  Run by
; data/recipes/ink and data/recipes/mono through gimp-console.

(script-fu-use-v3)

(define (filter drawable operation . settings)
  (let ((f (gimp-drawable-filter-new drawable operation "")))
    (apply gimp-drawable-filter-configure
           (append (list f LAYER-MODE-REPLACE 1.0) settings))
    (gimp-drawable-merge-filter drawable f)))

; Smooth shapes, lines where light changes, and blacks where it is dark: a brush
; pen's drawing on paper.
(define (ink image drawable)
  (gimp-drawable-desaturate drawable DESATURATE-LUMINANCE)
  (let ((lines (gimp-layer-copy drawable)))
    (gimp-image-insert-layer image lines 0 0)
    (filter drawable "gegl:gaussian-blur" "std-dev-x" 2.5 "std-dev-y" 2.5)
    (gimp-drawable-threshold drawable HISTOGRAM-VALUE 0.12 1.0)
    (filter lines "gegl:mean-curvature-blur" "iterations" 8)
    (filter lines "gegl:photocopy" "mask-radius" 9.0 "sharpness" 0.72
            "black" 0.24 "white" 0.62)
    (gimp-layer-set-mode lines LAYER-MODE-DARKEN-ONLY)
    (set! drawable (gimp-image-flatten image))
    (filter drawable "gegl:gaussian-blur" "std-dev-x" 0.8 "std-dev-y" 0.8)
    (gimp-drawable-levels drawable HISTOGRAM-VALUE 0.3 0.75 #t 1.0 0.004 0.96 #t)
    drawable))

; An orange filter's greys, which darken skies and soften skin; local contrast; a
; film's curve with a long shoulder; light that spreads a little.
(define (mono image drawable)
  (filter drawable "gegl:mono-mixer" "preserve-luminosity" #t
          "red" 0.62 "green" 0.32 "blue" 0.06)
  (filter drawable "gegl:unsharp-mask" "std-dev" 40.0 "scale" 0.35 "threshold" 0.0)
  (let ((glow (gimp-layer-copy drawable)))
    (gimp-image-insert-layer image glow 0 0)
    (filter glow "gegl:gaussian-blur" "std-dev-x" 6.0 "std-dev-y" 6.0)
    (gimp-layer-set-mode glow LAYER-MODE-SCREEN)
    (gimp-layer-set-opacity glow 12.0)
    (set! drawable (gimp-image-flatten image))
    (gimp-drawable-curves-spline
      drawable HISTOGRAM-VALUE
      #(0.0 0.003  0.12 0.055  0.35 0.31  0.6 0.65  0.85 0.88  1.0 0.97))
    drawable))

(define (make-target style path target)
  (let* ((image (gimp-file-load RUN-NONINTERACTIVE path))
         (drawable (vector-ref (gimp-image-get-layers image) 0)))
    (set! drawable ((if (string=? style "ink") ink mono) image drawable))
    (gimp-file-save RUN-NONINTERACTIVE image target -1)
    (gimp-image-delete image)))

(define (make-targets style source target)
  (let ((dir (dir-open-stream source)))
    (let next ((name (dir-read-entry dir)))
      (if (not (eof-object? name))
          (begin
            (if (string=? (substring name (max 0 (- (string-length name) 4))
                                     (string-length name))
                          ".png")
                (make-target style (string-append source "/" name)
                             (string-append target "/" name)))
            (next (dir-read-entry dir)))))
    (dir-close-stream dir)))
