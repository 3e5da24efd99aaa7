"""A desktop of its own with a real GIMP on it, for tests of windows.

    with Desktop(options) as desktop:
        call = desktop.call('(plug-in-atelier-translate #:run-mode '
                            'RUN-INTERACTIVE #:image image ...)')
        window = desktop.window("Translate")
        window.find("slider", "Strength").value = 0.5
        desktop.shot("translate")
        window.button("OK").click()
        call.answer()

An X server (Xvfb), a session bus, the accessibility bus, a window manager and
GIMP with a fresh home, as tests/gimp/run-gimp.py makes it.  GIMP runs a Script-Fu
loop that evaluates what `call` and `scheme` hand it; while a procedure has a
window open, the test looks at it and moves it by its accessible objects (AT-SPI),
as a screen reader would, or by keys and the mouse (xdotool).  Nothing waits for a
fixed time: `wait` asks until something holds, and fails after a minute.

The end of a `with` takes every process down, also those that were left over.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
TIMEOUT = 60
POLL = 0.02

LOOP = """
(define (answer-file n)
  (string-append test-home "answer-" (number->string n)))
(define (evaluate file)
  (let ((port (open-input-file file)))
    (let loop ((expression (read port)))
      (if (not (eof-object? expression))
          (begin (eval expression (interaction-environment))
                 (loop (read port)))))
    (close-input-port port)))
(define (serve n)
  (let ((file (string-append test-home "call-" (number->string n) ".scm")))
    (if (file-exists? file)
        (begin
          (set! answer "")
          (let* ((problem (error-of (lambda () (evaluate file))))
                 (port (open-output-file (string-append (answer-file n) ".new"))))
            (display (if (string=? problem "") "ok " "error ") port)
            (display (if (string=? problem "") answer problem) port)
            (close-output-port port)
            (close-output-port (open-output-file (answer-file n)))
            (if (not stopped) (serve (+ n 1)))))
        (begin (usleep 20000) (serve n)))))
"""


class Failed(Exception):
    """Something did not become as it should within the time."""


def wait(what, condition, timeout=TIMEOUT):
    """What `condition` returns as soon as that is true."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Failed(f"waited {timeout} s: {what}")
        time.sleep(POLL)


def beside(window, label, role):
    """What is in the row of a label."""
    _, y, _, height = window.find("label", label).extents
    return next(node for node in window.walk(True) if node.role == role
                and node.extents[1] <= y + height / 2 < sum(node.extents[1::2]))


def figure(window, name):
    """The text beside a label of figures."""
    for node in window.walk():
        if node.role == "label" and node.name == name and node.text != name:
            return node.text
    return ""


def arguments(description):
    """The options that every test of windows takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--plugin", required=True, type=pathlib.Path)
    parser.add_argument("--probe", required=True, type=pathlib.Path)
    parser.add_argument("--make-models", required=True, type=pathlib.Path)
    parser.add_argument("--shots", type=pathlib.Path,
                        help="folder that screenshots are kept in")
    parser.add_argument("--theme", default="light", choices=["light", "dark"])
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--models", type=pathlib.Path,
                        help="folder of models to look at, beside those made")
    parser.add_argument("--show", action="store_true", help="what GIMP prints")
    return parser


class Tap:
    """Counts checks and prints them."""

    def __init__(self):
        self.n = self.failed = 0

    def check(self, name, ok, note=""):
        self.n += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.n} - {name}")
        if note and not ok:
            print(f"# {note}")
        sys.stdout.flush()
        return ok

    def note(self, text):
        print(f"# {text}", flush=True)

    def done(self):
        print(f"1..{self.n}")
        return 1 if self.failed else 0


class Desktop:
    def __init__(self, options, models=True, language="C.UTF-8"):
        self.options = options
        self.with_models = models
        self.language = language
        self.processes = []
        self.n_calls = 0
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="atelier-ui-"))
        self.environment = None

    # --- Start and end ---

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind and self.environment:
            self.shot("failed")
        if kind or self.options.show:
            print("".join(f"# {line}\n" for line in self.log().splitlines()[-60:]))
        self._stop()

    def _start(self):
        self._make_home()
        self._start_server()
        self._start_bus()
        self._spawn(["openbox", "--config-file", str(HERE / "openbox.xml")])
        self._start_gimp()

    def _spawn(self, command, **more):
        log = open(self.top / "log", "ab")
        process = subprocess.Popen(command, env=self.environment, stdout=log,
                                   stderr=log, start_new_session=True, **more)
        log.close()
        self.processes.append(process)
        return process

    def _make_home(self):
        options, top = self.options, self.top
        plug_ins, profile = top / "plug-ins", top / "gimp"
        self.models = top / "data" / "atelier" / "models"
        for folder in (plug_ins, profile, self.models, top / "run"):
            folder.mkdir(parents=True)
        os.chmod(top / "run", 0o700)
        library = subprocess.check_output(
            ["pkg-config", "--variable=gimplibdir", "gimp-3.0"], text=True).strip()
        for name in ("script-fu", "file-png", "file-jpeg"):
            (plug_ins / name).symlink_to(pathlib.Path(library) / "plug-ins" / name)
        for program in (options.plugin, options.probe):
            (plug_ins / program.name).mkdir()
            shutil.copy2(program, plug_ins / program.name / program.name)
        for part in ("scripts", "icons"):
            shutil.copytree(PROJECT / "data" / part, plug_ins / "atelier" / part)
        if self.with_models:
            self.make_models(self.models)
        version = subprocess.check_output(
            ["pkg-config", "--modversion", "gimp-3.0"], text=True).strip()
        # GIMP welcomes whoever comes from another version.
        (profile / "gimprc").write_text(
            f'(plug-in-path "{plug_ins}")\n(theme-color-scheme {options.theme})\n'
            f'(check-updates no)\n(config-version "{version}")\n'
            "(show-welcome-dialog no)\n")
        self.environment = dict(
            os.environ, HOME=str(top), GIMP3_DIRECTORY=str(profile),
            XDG_DATA_HOME=str(top / "data"), XDG_CACHE_HOME=str(top / "cache"),
            XDG_CONFIG_HOME=str(top / "config"), XDG_RUNTIME_DIR=str(top / "run"),
            TMPDIR=str(top), LC_ALL=self.language, GDK_SCALE=str(options.scale),
            G_MESSAGES_DEBUG="Atelier", GTK_MODULES="", GSETTINGS_BACKEND="memory")
        for name in ("WAYLAND_DISPLAY", "G_DEBUG", "ATELIER_MODEL_PATH",
                     "NO_AT_BRIDGE", "LANGUAGE"):
            self.environment.pop(name, None)
        if self.language != "C.UTF-8":
            self._learn_language()
        if options.models:
            self.environment["ATELIER_MODEL_PATH"] = str(options.models.resolve())

    def _learn_language(self):
        """A locale that GIMP can run in, and the plug-in's catalogue."""
        short = self.language.split(".")[0]
        catalogue = (self.options.plugin.parents[1] / "po" / short / "LC_MESSAGES"
                     / "atelier.mo")
        place = (self.top / "plug-ins" / "atelier" / "locale" / short
                 / "LC_MESSAGES")
        place.mkdir(parents=True)
        shutil.copy2(catalogue, place)
        subprocess.run(["localedef", "--no-warnings=ascii", "-i", short, "-f", "UTF-8",
                        self.top / self.language], check=True)
        self.environment.update(LOCPATH=str(self.top), LANGUAGE=short)

    def make_models(self, folder):
        """Those of tests/gimp/make-models.c."""
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([self.options.make_models, folder], check=True)

    def _start_server(self):
        """The X server finds a free number itself and tells it by a pipe."""
        read, write = os.pipe()
        scale = self.options.scale
        self._spawn(["Xvfb", "-displayfd", str(write), "-screen", "0",
                     f"{1280 * scale}x{900 * scale}x24"], pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as numbers:
            self.environment["DISPLAY"] = ":" + numbers.readline().strip()

    def _start_bus(self):
        read, write = os.pipe()
        self._spawn(["dbus-daemon", "--session", "--nofork",
                     f"--print-address={write}"], pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as addresses:
            address = addresses.readline().strip()
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        self.bus = Bus(address)

    def _start_gimp(self):
        loop = self.top / "loop.scm"
        loop.write_text(LOOP)
        begin = (f'(begin (define test-home "{self.top}/") (define stopped #f) '
                 f'(define answer "") (load "{PROJECT}/tests/gimp/prelude.scm") '
                 f'(load "{loop}") (serve 1))')
        self.gimp = self._spawn(
            ["gimp-3.0", "--no-splash", "--new-instance", "--no-data", "--no-fonts",
             "--batch-interpreter", "plug-in-script-fu-eval", "-b", begin, "--quit"])
        self.scheme("(set! answer \"ready\")")

    def _stop(self):
        if self.environment and (self.top / "loop.scm").exists() \
           and self.gimp.poll() is None:
            try:
                self.call("(set! stopped #t)")
                self.gimp.wait(10)
            except (subprocess.TimeoutExpired, OSError):
                pass
        for process in reversed(self.processes):
            try:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(5)
            except (OSError, subprocess.TimeoutExpired):
                pass
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                pass
            process.wait()
        # What the buses started is not in their groups, but has our home.
        for process in self.own_processes():
            os.kill(process, signal.SIGKILL)
        shutil.rmtree(self.top, ignore_errors=True)

    def own_processes(self, *words):
        """Ids of processes with this desktop's home, and these words in their
        commands."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if f"HOME={self.top}".encode() not in \
                        (folder / "environ").read_bytes().split(b"\0"):
                    continue
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
                if all(word in command for word in words):
                    found.append(int(folder.name))
            except OSError:
                pass
        return found

    def log(self):
        path = self.top / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def complaints(self):
        """Criticals and warnings of the plug-in; but GTK's window for files gets
        keys after it is closed, and GIMP may close the pipe to a plug-in, its own
        among them, that has returned and still says goodbye."""
        harmless = ("WIDGET_REALIZED_FOR_EVENT", "gimp_flush(): error: Broken pipe")
        return [line for line in self.log().splitlines()
                if re.search(r"\(atelier:\d+\): .*(CRITICAL|WARNING)", line)
                and not any(word in line for word in harmless)]

    # --- Script-Fu ---

    def call(self, scheme):
        """Begins to evaluate `scheme` in GIMP, which has the definitions of
        tests/gimp/prelude.scm; what it sets `answer` to (a string) is the
        answer.  Calls are served in turn."""
        self.n_calls += 1
        path = self.top / f"call-{self.n_calls}.scm"
        path.with_suffix(".new").write_text(scheme)
        path.with_suffix(".new").rename(path)
        return Call(self, self.n_calls)

    def scheme(self, scheme, timeout=TIMEOUT):
        """Evaluates it and waits for the answer."""
        return self.call(scheme).answer(timeout)

    def open(self, path, name="image"):
        """Opens a picture in a window; `image` and `layer` are defined after."""
        self.scheme(f'(define {name} (gimp-file-load RUN-NONINTERACTIVE "{path}"))'
                    f"(define layer (top-layer {name})) (gimp-display-new {name})")

    # --- What is on the screen ---

    def windows(self, title="", role=None):
        """Windows whose title has `title` in it; role: "frame", "dialog", "alert"
        (a message), "window" (a menu)."""
        found = []
        for application in Node(self, REGISTRY, ROOT).children:
            try:
                found += [window for window in application.children
                          if title in window.name and window.showing
                          and role in (None, window.role)]
            except Gone:
                pass
        return found

    def window(self, title, timeout=TIMEOUT, role=None):
        return wait(f"for a window \"{title}\"",
                    lambda: (self.windows(title, role) or [None])[0], timeout)

    def no_window(self, title, timeout=TIMEOUT):
        wait(f"for \"{title}\" to close", lambda: not self.windows(title), timeout)

    def shot(self, name):
        """A picture of the screen, kept where --shots says."""
        if not self.options.shots:
            return
        self.options.shots.mkdir(parents=True, exist_ok=True)
        suffix = f"-{self.options.theme}" + (
            f"-{self.options.scale}x" if self.options.scale > 1 else "")
        subprocess.run(["import", "-window", "root",
                        str(self.options.shots / f"{name}{suffix}.png")],
                       env=self.environment, check=False)

    def pixels(self, node):
        """What the screen shows where `node` is, as a Pillow picture."""
        import io
        from PIL import Image
        x, y, width, height = node.extents
        data = subprocess.run(
            ["import", "-window", "root", "-crop", f"{width}x{height}+{x}+{y}",
             "+repage", "-depth", "8", "ppm:-"], check=True, env=self.environment,
            stdout=subprocess.PIPE).stdout
        return Image.open(io.BytesIO(data)).convert("RGB")

    # --- Keys and the mouse ---

    def xdotool(self, *words):
        subprocess.run(["xdotool", *map(str, words)], env=self.environment,
                       check=True, stdout=subprocess.DEVNULL)

    def keys(self, *keys):
        """Keys for the window that has the focus, in xdotool's names."""
        self.xdotool("key", "--clearmodifiers", *keys)

    def type(self, text):
        self.xdotool("type", text)

    def type_path(self, title, path):
        """Into GTK's window for files or folders, which is returned."""
        chooser = self.window(title)
        self.keys("ctrl+l")
        self.type(str(path))
        wait("for the path to be typed", lambda: any(
            node.role == "text" and str(path) in node.text
            for node in chooser.walk(True)))
        return chooser

    def drag(self, node, start, end):
        """The mouse, button pressed, between two points of `node` (fractions of
        its width and height)."""
        x, y, width, height = node.extents
        points = [(round(x + width * px), round(y + height * py))
                  for px, py in (start, end)]
        middle = tuple((a + b) // 2 for a, b in zip(*points))
        self.xdotool("mousemove", *points[0], "mousedown", 1)
        self.xdotool("mousemove", *middle)
        self.xdotool("mousemove", *points[1], "mouseup", 1)


class Call:
    """A Script-Fu call that is under way."""

    def __init__(self, desktop, n):
        self.desktop = desktop
        self.path = desktop.top / f"answer-{n}"

    def done(self):
        if self.desktop.gimp.poll() is not None and not self.path.exists():
            raise Failed("GIMP has ended")
        return self.path.exists()

    def answer(self, timeout=TIMEOUT):
        """What `answer` was set to; Failed with the message if it failed."""
        wait("for Script-Fu", self.done, timeout)
        word, _, text = pathlib.Path(str(self.path) + ".new") \
            .read_text(errors="replace").partition(" ")
        if word != "ok":
            raise Failed(text)
        return text

    def end(self, timeout=TIMEOUT):
        """Waits until it is over, however it ends: to GIMP, Cancel is a failure,
        too.  Its message, or ""."""
        wait("for Script-Fu", self.done, timeout)
        try:
            self.answer()
            return ""
        except Failed as failure:
            return str(failure)


# --- Accessible objects, over D-Bus ---
#
# libatspi keeps copies of the tree and follows its events, and blocks for ever
# when an event needs a copy renewed.  Asking over D-Bus each time is simple.

REGISTRY, ROOT = "org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root"
INTERFACE = "org.a11y.atspi."
PROPERTIES = "org.freedesktop.DBus.Properties"
SECONDS_A_CALL = 10
STATES = {"active": 1, "checked": 4, "editable": 7, "enabled": 8, "expanded": 10,
          "focused": 12, "pressed": 20, "selected": 23, "sensitive": 24,
          "showing": 25, "visible": 30, "indeterminate": 32}


class Gone(Exception):
    """The object is no longer there, or its program does not answer."""


class Bus:
    """The bus that accessible objects are on."""

    def __init__(self, session):
        from gi.repository import Gio, GLib
        self.gio, self.glib = Gio, GLib
        flags = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
                 | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
        self.connection = Gio.DBusConnection.new_for_address_sync(
            session, flags, None, None)
        address, = self.call("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus",
                             "GetAddress")
        self.session, self.connection = self.connection, \
            Gio.DBusConnection.new_for_address_sync(address, flags, None, None)

    def call(self, name, path, interface, method, signature=None, *values):
        try:
            return self.connection.call_sync(
                name, path, interface, method,
                self.glib.Variant(signature, values) if signature else None, None,
                self.gio.DBusCallFlags.NONE, SECONDS_A_CALL * 1000, None).unpack()
        except self.glib.Error as error:
            raise Gone(f"{path} {method}: {error.message}") from None


def plain(text):
    """A label without the mark of its mnemonic."""
    return re.sub(r"_(.)", r"\1", text or "")


class Node:
    """One accessible object."""

    def __init__(self, desktop, name, path):
        self.desktop = desktop
        self.address = (name, path)

    def __eq__(self, other):
        return isinstance(other, Node) and self.address == other.address

    def __hash__(self):
        return hash(self.address)

    def __repr__(self):
        try:
            return f"<{self.role} \"{self.name}\">"
        except Gone:
            return "<gone>"

    def call(self, interface, method, signature=None, *values):
        return self.desktop.bus.call(*self.address, INTERFACE + interface, method,
                                     signature, *values)

    def get(self, interface, name):
        return self.desktop.bus.call(*self.address, PROPERTIES, "Get", "(ss)",
                                     INTERFACE + interface, name)[0]

    @property
    def name(self):
        return self.get("Accessible", "Name")

    @property
    def description(self):
        return self.get("Accessible", "Description")

    @property
    def role(self):
        return self.call("Accessible", "GetRoleName")[0]

    def has(self, state):
        words, bit = self.call("Accessible", "GetState")[0], STATES[state]
        return bool(words[bit // 32] >> bit % 32 & 1)

    @property
    def showing(self):
        return self.has("showing")

    @property
    def sensitive(self):
        return self.has("sensitive")

    @property
    def children(self):
        return [Node(self.desktop, *address)
                for address in self.call("Accessible", "GetChildren")[0]]

    @property
    def parent(self):
        return Node(self.desktop, *self.get("Accessible", "Parent"))

    def walk(self, showing=False):
        """Itself and all below, or those that show; nothing shows in what does
        not."""
        if showing and not self.showing:
            return
        yield self
        for child in self.children:
            yield from child.walk(showing)

    def tree(self, depth=0):
        """For looking at: what there is, indented."""
        lines = ["  " * depth + repr(self) + ("" if self.showing else " (hidden)")]
        lines += [child.tree(depth + 1) for child in self.children]
        return "\n".join(lines)

    def look(self, role=None, name=None, showing=True):
        """The first object below with that role (or one of them) and a name that
        has `name` in it, or that the pattern `name` matches; or None."""
        roles = [role] if isinstance(role, str) else role
        try:
            for node in self.walk(showing):
                if roles and node.role not in roles:
                    continue
                if isinstance(name, re.Pattern):
                    if not name.search(node.name):
                        continue
                elif name is not None and not (name in plain(node.name)
                                               or name in node.name):
                    continue  # an underline may be part of a name, too
                return node
        except Gone:
            pass
        return None

    def find(self, role=None, name=None, timeout=TIMEOUT, showing=True):
        return wait(f"for {role} \"{name}\" in {self}",
                    lambda: self.look(role, name, showing), timeout)

    def button(self, name):
        return self.find(["push button", "button", "toggle button"], name)

    @property
    def extents(self):
        """x, y, width, height in pixels of the screen."""
        scale = self.desktop.options.scale
        return tuple(v * scale for v in
                     self.call("Component", "GetExtents", "(u)", 0)[0])

    def click(self, action=0):
        """What a click does, once it can be clicked.  Not for what runs a dialog of
        its own until that is closed: the program would not answer; `press`."""
        wait(f"for {self} to be sensitive", lambda: self.sensitive)
        self.call("Action", "DoAction", "(i)", action)

    def press(self):
        """A real click of the mouse."""
        wait(f"for {self} to be sensitive", lambda: self.sensitive)
        x, y, width, height = self.extents
        self.desktop.xdotool("mousemove", x + width // 2, y + height // 2,
                             "click", 1)

    def focus(self):
        self.call("Component", "GrabFocus")
        wait(f"for {self} to have the focus", lambda: self.has("focused"))

    @property
    def text(self):
        try:
            return self.call("Text", "GetText", "(ii)", 0, -1)[0]
        except Gone:
            return self.name

    @text.setter
    def text(self, text):
        self.call("EditableText", "SetTextContents", "(s)", text)

    @property
    def value(self):
        return self.get("Value", "CurrentValue")

    @value.setter
    def value(self, value):
        self.desktop.bus.call(*self.address, PROPERTIES, "Set", "(ssv)",
                              INTERFACE + "Value", "CurrentValue",
                              self.desktop.bus.glib.Variant("d", value))

    def choose(self, name):
        """An item of a combo box or list, by its name."""
        if self.role == "combo box":
            self.press()
            self.find("menu item", name).click()
        else:
            item = self.find("list item", name, showing=False)
            self.call("Selection", "SelectChild", "(i)",
                      item.call("Accessible", "GetIndexInParent")[0])
