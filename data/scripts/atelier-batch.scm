; Every picture of a folder, or of a pattern such as /home/me/scans/*.tif, through
; one of Atelier's filters: what script-fu-atelier-batch (Filters > Atelier >
; Apply to a Folder...) does.
;
; A picture that fails is told, and the others are done.  Nothing that is there
; already is overwritten: it counts as failed.
;
; The plug-in registers the procedure, checks its arguments and reports; it calls
;
;   (atelier-batch REPORT SOURCE FOLDER MODEL FILTER FORMAT)
;
; REPORT is a file that gets a line a picture:
;   done NAME    exists NAME    failed NAME<tab>MESSAGE

(script-fu-use-v3)

(define atelier-extensions
  '("png" "jpg" "jpeg" "jpe" "tif" "tiff" "webp" "bmp" "xcf" "psd" "gif" "heic"
    "heif" "avif" "jxl" "exr" "tga" "ppm" "pgm" "pnm" "vqi"))

; --- Texts ---

(define (atelier-text x)
  (let ((port (open-output-string)))
    (display x port)
    (get-output-string port)))

; On one line, for the report.
(define (atelier-line string)
  (list->string (map (lambda (c) (if (or (char=? c #\newline) (char=? c #\tab))
                                     #\space
                                     c))
                     (string->list string))))

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
(define (atelier-fail message)
  (*error-hook* message))

; --- Pictures ---

; One layer, in colours or grey.
(define (atelier-single-layer image)
  (if (= (gimp-image-get-base-type image) INDEXED)
      (gimp-image-convert-rgb image))
  (if (= (vector-length (gimp-image-get-layers image)) 1)
      (vector-ref (gimp-image-get-layers image) 0)
      (gimp-image-merge-visible-layers image CLIP-TO-IMAGE)))

(define (atelier-apply filter image layer model)
  (if (string=? filter "translate")
      (plug-in-atelier-translate #:run-mode RUN-NONINTERACTIVE #:image image
                                 #:drawables (vector layer) #:model model)
      (plug-in-atelier-compress #:run-mode RUN-NONINTERACTIVE #:image image
                                #:drawables (vector layer) #:model model)))

(define (atelier-one path output model filter)
  (let* ((image (gimp-file-load RUN-NONINTERACTIVE path))
         (message (atelier-try
                   (lambda ()
                     (atelier-apply filter image (atelier-single-layer image) model)
                     (gimp-file-save RUN-NONINTERACTIVE image output -1)))))
    (gimp-image-delete image)
    (if (not (string=? message "")) (atelier-fail message))))

(define (atelier-list-pictures source)
  (if (atelier-pattern? source)
      (file-glob #:pattern source #:filename-encoding TRUE)
      (let loop ((rest (file-glob #:pattern
                                  (string-append source DIR-SEPARATOR "*")
                                  #:filename-encoding TRUE))
                 (found '()))
        (cond ((null? rest) (reverse found))
              ((member (atelier-extension (car rest)) atelier-extensions)
               (loop (cdr rest) (cons (car rest) found)))
              (else (loop (cdr rest) found))))))

; --- All of them ---

(define (atelier-output path folder format)
  (string-append folder DIR-SEPARATOR (atelier-stem path) "." format))

; A line for the report.
(define (atelier-do path output model filter)
  (if (file-exists? output)
      (string-append "exists " (atelier-base path))
      (let ((message (atelier-try (lambda () (atelier-one path output model filter)))))
        (if (string=? message "")
            (string-append "done " (atelier-base path))
            (string-append "failed " (atelier-base path) "\t"
                           (atelier-line message))))))

(define (atelier-batch report source folder model filter format)
  (let* ((port (open-output-file report))
         (pictures (atelier-list-pictures source))
         (n (length pictures)))
    (let loop ((rest pictures) (i 0))
      (if (pair? rest)
          (begin
            (gimp-progress-set-text (string-append (atelier-text (+ i 1)) "/"
                                                   (atelier-text n) "  "
                                                   (atelier-base (car rest))))
            (display (atelier-do (car rest)
                                 (atelier-output (car rest) folder format)
                                 model filter)
                     port)
            (newline port)
            (loop (cdr rest) (+ i 1)))))
    (close-output-port port)))
