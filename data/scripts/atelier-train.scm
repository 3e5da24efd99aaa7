; Training over a folder of paired images, from Script-Fu: what the procedure
; script-fu-atelier-train does.
;
;   (script-fu-atelier-train #:folder "/home/me/pairs" #:kind "pix2pix"
;                            #:name "Ink" #:preset "quick")
;
; The plug-in registers it and calls
;
;   (atelier-train REPORT FOLDER KIND NAME PRESET STEPS)
;
; REPORT is a file that gets what plug-in-atelier-train returns, a line a value:
; the model's file, the step that it is of, whether the figures are of pictures
; that were not trained on, and L1, PSNR, SSIM and MS-SSIM.

(script-fu-use-v3)

(define (atelier-train report folder kind name preset steps)
  (let ((port (open-output-file report)))
    (for-each (lambda (value) (display value port) (newline port))
              (plug-in-atelier-train #:run-mode RUN-NONINTERACTIVE #:folder folder
                                     #:kind kind #:name name #:preset preset
                                     #:steps steps))
    (close-output-port port)))
