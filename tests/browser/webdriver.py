"""A small WebDriver client: headless Chromium through chromedriver, with nothing but Python."""
import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request

ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'


def missing():
    """What is not installed, or ''."""
    return ' '.join(p for p in ('chromium', 'chromedriver') if not shutil.which(p))


class Browser:
    def __init__(self, folder, width=1280, height=900, dark=False):
        self.driver = subprocess.Popen(['chromedriver', '--port=0'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                       env=dict(os.environ, HOME=folder))
        port = None
        while port is None:
            line = self.driver.stdout.readline()
            if not line:
                raise RuntimeError('chromedriver did not start')
            found = re.search(r'successfully on port (\d+)', line)
            port = found and found.group(1)
        self.base = f'http://127.0.0.1:{port}'
        arguments = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars',
                     f'--window-size={width},{height}', f'--user-data-dir={folder}/profile-{time.time_ns()}']
        if dark:
            arguments.append('--force-dark-mode')
        answer = self._call('POST', '/session', {'capabilities': {'alwaysMatch': {
            'goog:chromeOptions': {'args': arguments, 'binary': shutil.which('chromium')},
            'goog:loggingPrefs': {'browser': 'ALL'}}}})
        self.session = f'/session/{answer["sessionId"]}'
        self.cdp('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.cdp('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method, headers={'Content-Type': 'application/json'})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
            return json.load(answer)['value']

    def cdp(self, command, **parameters):
        return self._call('POST', self.session + '/goog/cdp/execute', {'cmd': command, 'params': parameters})

    def open(self, path):
        self._call('POST', self.session + '/url', {'url': 'file://' + path})

    def run(self, script, *arguments):
        return self._call('POST', self.session + '/execute/sync', {'script': script, 'args': list(arguments)})

    def keys(self, *keys):
        actions = [{'type': kind, 'value': key} for key in keys for kind in ('keyDown', 'keyUp')]
        self._call('POST', self.session + '/actions', {'actions': [{'type': 'key', 'id': 'keyboard', 'actions': actions}]})

    def console(self):
        return self._call('POST', self.session + '/se/log', {'type': 'browser'})

    def screenshot(self, path, whole=False):
        picture = self.cdp('Page.captureScreenshot', format='png', captureBeyondViewport=whole)
        with open(path, 'wb') as f:
            f.write(base64.b64decode(picture['data']))

    def close(self):
        try:
            self._call('DELETE', self.session)
        finally:
            self.driver.terminate()
            self.driver.wait()
