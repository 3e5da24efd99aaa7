; GIMP's Cancel kills the plug-in: the picture is as it was, and GIMP goes on.
; (run-gimp.py --kill does the killing, of the first run only.)

(let* ((image (new-image 1500 1500 RGB RGB-IMAGE PRECISION-U8-NON-LINEAR))
       (a (top-layer image))
       (b (add-layer image 40 40 0 0 RGBA-IMAGE))
       (a-first (hash a)) (b-first (hash b)))
  ; The small one is done first, but nothing may be seen of it.
  (check "the call ends with an error"
         (not (string=? "" (error-of (lambda () (translate image (list b a) "heavy"))))))
  (let* ((now (let ((t (gettimeofday))) (+ (car t) (/ (cadr t) 1000000.0))))
         (port (open-input-file (string-append test-home "killed")))
         (took (- now (read port))))
    (close-input-port port)
    (say "# it ended within " took " s")
    (check "it ends within 0.5 s" (< took 0.5)))
  (check "the layer under work is as it was" (string=? a-first (hash a)))
  (check "the layer that was done already is as it was" (string=? b-first (hash b)))
  (let ((before (keep image)))
    (translate image (list b) "resnet")
    (check-probe "the next run works"
                 (probe (top-layer before) b "resnet" 1 "R'G'B'A float" rounding-8))))
