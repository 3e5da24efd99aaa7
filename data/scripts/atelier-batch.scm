; Filters > Atelier > Apply to a Folder...: every picture of a folder, or of a
; pattern such as /home/me/scans/*.tif, through one of Atelier's filters.
;
;   (script-fu-atelier-batch "/home/me/scans" "/home/me/done" "ink"
;                            "translate" "png")
;   => (3 1)    three pictures done, one failed
;
; A picture that fails is reported, and the others are done.  Nothing that is
; there already is overwritten: it counts as failed.
;
; Called from Scheme it returns the two counts; called through the PDB from
; another language it returns nothing, as scripts can't, but reports as well.

(script-fu-use-v3)

(define atelier-extensions
  '("png" "jpg" "jpeg" "jpe" "tif" "tiff" "webp" "bmp" "xcf" "psd" "gif" "heic"
    "heif" "avif" "jxl" "exr" "tga" "ppm" "pgm" "pnm"))
(define atelier-formats '("png" "jpg" "tif" "webp" "xcf"))

; --- Texts ---

(define (atelier-text x)
  (let ((port (open-output-string)))
    (display x port)
    (get-output-string port)))

; Index of the last `c` in the string, or -1.
(define (atelier-last-index string c)
  (let loop ((i (- (string-length string) 1)))
    (cond ((< i 0) -1)
          ((char=? (string-ref string i) c) i)
          (else (loop (- i 1))))))

(define (atelier-base path)
  (substring path (+ (atelier-last-index path (string-ref DIR-SEPARATOR 0)) 1)
             (string-length path)))

(define (atelier-extension path)
  (let* ((base (atelier-base path)) (dot (atelier-last-index base #\.)))
    (if (< dot 1)
        ""
        (list->string (map char-downcase
                           (string->list (substring base (+ dot 1)
                                                    (string-length base))))))))

(define (atelier-stem path)
  (let* ((base (atelier-base path)) (dot (atelier-last-index base #\.)))
    (if (< dot 1) base (substring base 0 dot))))

(define (atelier-pattern? source)
  (or (>= (atelier-last-index source #\*) 0) (>= (atelier-last-index source #\?) 0)))

; --- Errors ---

; Calls (thunk).  "" if it ends well, else what went wrong.
(define (atelier-try thunk)
  (let* ((hook *error-hook*) (message "it failed") (result ""))
    (set! *error-hook*
          (lambda x
            (set! message (apply string-append (map atelier-text x)))
            (apply hook x)))
    (set! result (catch message (begin (thunk) "")))
    (set! *error-hook* hook)
    ; The last error is read after the handler has run.
    (if (string=? result "") "" message)))

; `error` itself passes handlers by.
(define (atelier-require ok message)
  (if (not ok) (*error-hook* message)))

; --- Pictures ---

; One layer, in colours or grey.
(define (atelier-single-layer image)
  (if (= (gimp-image-get-base-type image) INDEXED)
      (gimp-image-convert-rgb image))
  (if (= (vector-length (gimp-image-get-layers image)) 1)
      (vector-ref (gimp-image-get-layers image) 0)
      (gimp-image-merge-visible-layers image CLIP-TO-IMAGE)))

(define (atelier-apply procedure image layer model)
  (if (string=? procedure "translate")
      (plug-in-atelier-translate #:run-mode RUN-NONINTERACTIVE #:image image
                                 #:drawables (vector layer) #:model model)
      (plug-in-atelier-compress #:run-mode RUN-NONINTERACTIVE #:image image
                                #:drawables (vector layer) #:model model)))

(define (atelier-one path output model procedure)
  (atelier-require (not (file-exists? output))
                   (string-append output " is there already"))
  (let* ((image (gimp-file-load RUN-NONINTERACTIVE path))
         (message (atelier-try
                   (lambda ()
                     (atelier-apply procedure image (atelier-single-layer image)
                                    model)
                     (gimp-file-save RUN-NONINTERACTIVE image output -1)))))
    (gimp-image-delete image)
    (atelier-require (string=? message "") message)))

; --- The procedures ---

(define (atelier-list-pictures source)
  (if (atelier-pattern? source)
      (file-glob #:pattern source #:filename-encoding TRUE)
      (begin
        (atelier-require (and (file-exists? source)
                              (= (file-type source) FILE-TYPE-DIR))
                         (string-append source ": there is no such folder; give a "
                                        "folder, or a pattern such as *.png"))
        (let loop ((rest (file-glob #:pattern
                                    (string-append source DIR-SEPARATOR "*")
                                    #:filename-encoding TRUE))
                   (found '()))
          (cond ((null? rest) (reverse found))
                ((member (atelier-extension (car rest)) atelier-extensions)
                 (loop (cdr rest) (cons (car rest) found)))
                (else (loop (cdr rest) found)))))))

(define (atelier-output path destination format)
  (string-append destination DIR-SEPARATOR (atelier-stem path) "." format))

(define (atelier-report done failures)
  (apply string-append
         (append (list "Atelier: " (atelier-text done)
                       (if (= done 1) " picture done, " " pictures done, ")
                       (atelier-text (length failures)) " failed.")
                 (map (lambda (f) (string-append "\n" (car f) ": " (cdr f)))
                      (reverse failures)))))

(define (script-fu-atelier-batch source destination model procedure format)
  (atelier-require (member procedure '("translate" "compress"))
                   (string-append "the argument \"procedure\" is \"" procedure
                                  "\"; it is one of: translate, compress"))
  (atelier-require (member format atelier-formats)
                   (string-append "the argument \"format\" is \"" format
                                  "\"; it is one of: png, jpg, tif, webp, xcf"))
  (let ((pictures (atelier-list-pictures source)))
    (atelier-require (pair? pictures)
                     (string-append source ": there are no pictures"))
    (if (not (file-exists? destination)) (dir-make destination))
    (atelier-require (and (file-exists? destination)
                          (= (file-type destination) FILE-TYPE-DIR))
                     (string-append destination
                                    ": the folder is not there and can't be made"))
    (let loop ((rest pictures) (done 0) (failures '()))
      (if (null? rest)
          (begin
            (gimp-message (atelier-report done failures))
            (list done (length failures)))
          (let ((message (atelier-try
                          (lambda ()
                            (atelier-one (car rest)
                                         (atelier-output (car rest) destination
                                                         format)
                                         model procedure)))))
            (if (string=? message "")
                (loop (cdr rest) (+ done 1) failures)
                (loop (cdr rest) done
                      (cons (cons (atelier-base (car rest)) message)
                            failures))))))))

(script-fu-register-procedure "script-fu-atelier-batch"
  "_Apply to a Folder..."
  "Sends every picture of a folder or pattern through one of Atelier's filters"
  "The Atelier developers"
  "2026"
  SF-STRING  "_Pictures: a folder, or a pattern such as /home/me/*.jpg" ""
  SF-STRING  "_Folder for the results" ""
  SF-STRING  "_Model" ""
  SF-STRING  "Filte_r: translate or compress" "translate"
  SF-STRING  "F_ormat: png, jpg, tif, webp or xcf" "png")

(script-fu-menu-register "script-fu-atelier-batch" "<Image>/Filters/Atelier")
