; One undo gives the exact picture back.  GIMP has no procedure for it, so it runs
; with its windows here, and run-gimp.py --window presses Ctrl+Z.

(define n-undos 0)

; Asks for one undo and waits until (same?), or for twenty seconds.
(define (undone? same?)
  (set! n-undos (+ n-undos 1))
  (close-output-port
   (open-output-file (string-append test-home "undo-" (number->string n-undos))))
  (let loop ((i 0))
    (cond ((same?) #t)
          ((> i 100) #f)
          (else (gimp-displays-flush) (usleep 200000) (loop (+ i 1))))))

(define image (new-image 100 80 RGB RGBA-IMAGE PRECISION-U8-NON-LINEAR))
(define layer (top-layer image))
(define upper (add-layer image 50 50 20 20 RGBA-IMAGE))
(define window (gimp-display-new image))
(define first (hash layer))
(define upper-first (hash upper))

(translate image (list layer) "resnet")
(check "Translate: the layer changes" (not (string=? first (hash layer))))
(check "Translate: one undo gives the exact layer back"
       (undone? (lambda () (string=? first (hash layer)))))

(translate image (list layer upper) "resnet")
(check "two layers: both change"
       (and (not (string=? first (hash layer))) (not (string=? upper-first (hash upper)))))
(check "two layers: one undo gives both back"
       (undone? (lambda () (and (string=? first (hash layer))
                                (string=? upper-first (hash upper))))))

(translate image (list layer) "resnet" #:output "new-layer")
(check "new layer: there are three" (= (vector-length (gimp-image-get-layers image)) 3))
(check "new layer: one undo takes it away"
       (undone? (lambda () (= (vector-length (gimp-image-get-layers image)) 2))))
(check "new layer: the layers are as they were"
       (and (string=? first (hash layer)) (string=? upper-first (hash upper))))

(plug-in-atelier-compress #:run-mode RUN-NONINTERACTIVE #:image image
                          #:drawables (vector layer) #:model "vqvae")
(check "Compress: the layer changes" (not (string=? first (hash layer))))
(check "Compress: one undo gives the exact layer back"
       (undone? (lambda () (string=? first (hash layer)))))
