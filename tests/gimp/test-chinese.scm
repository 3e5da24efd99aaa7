; The plug-in in a GIMP that speaks Chinese: labels, messages, results.

(define image (new-image 40 40 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR))
(define layer (top-layer image))

(define (described name) (plug-in-probe-describe #:name name))
(define (label name) (list-ref (described name) 4))

(check "the menu: Translate" (contains? (label "plug-in-atelier-translate") "转换（Pix2Pix）(_T)"))
(check "the menu: Compress" (contains? (label "plug-in-atelier-compress") "压缩（VQ-VAE）(_C)"))
(check "the menu: Train a Style" (contains? (label "plug-in-atelier-train") "训练风格(_R)"))
(check "the menu: Manage Models" (contains? (label "plug-in-atelier-models") "管理模型(_M)"))
(check "the menu: Apply to a Folder" (contains? (label "script-fu-atelier-batch") "应用到文件夹(_F)"))
(check "the procedure browser" (contains? (car (described "plug-in-atelier-compress"))
                                          "让图层经过学习而成的压缩再还原"))

(check-error "a message of core" "没有模型“nonsense”；请给出文件，或以下之一："
             (lambda ()
               (plug-in-atelier-translate #:run-mode RUN-NONINTERACTIVE #:image image
                                          #:drawables (vector layer)
                                          #:model "nonsense")))
(check-error "a message of the plug-in" "参数“output”为“x”；它应是以下之一：in-place, new-layer"
             (lambda () (translate image (list layer) "resnet" #:output "x")))
(gimp-item-set-lock-content layer TRUE)
(check-error "GIMP's own words" "不能被修改，因为它的内容已被锁定"
             (lambda () (translate image (list layer) "resnet")))
(gimp-item-set-lock-content layer FALSE)

(let ((before (keep image)))
  (translate image (list layer) "resnet")
  (check-probe "the same pixels as in English"
               (probe (top-layer before) layer "resnet" 1 "R'G'B'A float" rounding-8)))
