"""shell.py - somebody at a prompt: one bash that is given a command after the other."""
import os
import re
import subprocess


def wait_for(path, text, times=1):
    """Returns when the file has so many lines with that text, and fails if nobody writes them."""
    follow = ["timeout", "60", "tail", "-n", "+1", "-F", path]
    with subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tail:
        for each in tail.stdout:
            times -= text.encode() in each
            if times == 0:
                tail.terminate()
                return
    raise AssertionError(f"{path} never said {text!r}")


class Shell:
    def __init__(self, work, environment, directory):
        self.work, self.n, self.n_ready = work, 0, 0
        answers, answer = os.pipe()
        self.bash = subprocess.Popen(["bash", "--noprofile", "--norc"], stdin=subprocess.PIPE, pass_fds=[answer], cwd=directory,
                                     env=dict(environment, LC_ALL="C.UTF-8"))
        self.answers = os.fdopen(answers)
        self._say(f"exec 9>&{answer} {answer}>&-")
        os.close(answer)

    def _say(self, text):
        self.bash.stdin.write(text.encode() + b"\n")
        self.bash.stdin.flush()

    def _ask(self, text):
        """The line that it answers with."""
        self._say(text)
        return self.answers.readline().rstrip("\n")

    def directory(self):
        return self._ask('printf "%s\\n" "$PWD" >&9')

    def run(self, text, alone=False):
        """(exit status, what it printed). What stays behind it is watd, and is ready."""
        self.n += 1
        script, out = (os.path.join(self.work, f"{kind}.{self.n}.{id(self)}") for kind in ("command", "output"))
        with open(script, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        command = f". {script} 9>&- >{out} 2>&1 </dev/null"
        if alone:
            command = f"(unset WAT_SOCKET WAT_KEYRING; {command})"
        status = int(self._ask(f'{command}; printf "%s\\n" $? >&9'))
        if text.endswith("&"):
            self._wait_until_ready(text, out)
        with open(out, encoding="utf-8") as file:
            return status, file.read()

    def _wait_until_ready(self, text, out):
        """By its log, to which it may have been told to append."""
        log = re.search(r"2>> (\S+) &$", text)
        if not log:
            return wait_for(out, ": ready ")
        self.n_ready += 1
        return wait_for(self._ask(f'printf "%s\\n" {log[1]} >&9'), ": ready ", self.n_ready)

    def end(self):
        """Ends what it left running."""
        self._say('mapfile -t left < <(jobs -p); ((${#left[@]} == 0)) || kill "${left[@]}" 2>/dev/null; wait; exit 0')
        self.bash.stdin.close()
        self.bash.wait()
        self.answers.close()
