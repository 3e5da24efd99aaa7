; Training from Script-Fu, over a folder of paired images:
;
;   (script-fu-atelier-train "/home/me/pairs" "pix2pix" "Ink" "quick" 0)
;
; The arguments are those of plug-in-atelier-train that matter most; steps 0 is
; what the preset says.  The model of that name in the user's own folder can be
; used at once in Translate or Compress.  Called from Scheme it returns what
; plug-in-atelier-train returns: the model's file, the step that it is of,
; whether the figures are of pictures that were not trained on, and L1, PSNR,
; SSIM and MS-SSIM.

(script-fu-use-v3)

(define (script-fu-atelier-train folder kind name preset steps)
  (plug-in-atelier-train #:run-mode RUN-NONINTERACTIVE #:folder folder #:kind kind
                         #:name name #:preset preset #:steps steps))

(script-fu-register-procedure "script-fu-atelier-train"
  "Train over a Folder..."
  "Makes a model from a folder of paired images"
  "The Atelier developers"
  "2026"
  SF-STRING     "_Folder of training pictures" ""
  SF-STRING     "_Kind: pix2pix or vqvae" "pix2pix"
  SF-STRING     "_Name of the model" ""
  SF-STRING     "_Preset: quick, standard or full" "quick"
  SF-ADJUSTMENT "_Steps (0: as the preset)" '(0 0 100000000 1 100 0 SF-SPINNER))
