"""A server that stands between a client and a service on this machine and does what networks do.

Each request is taken by a plan, a list of words used up one by one, then 'pass':
    pass     forward it
    429, 500, 503, 403, ...   answer so, without forwarding (429 and 503 with Retry-After: 1)
    store-500   forward it, then answer 500
    cut      close the connection without forwarding
    store-cut   forward it, then close the connection without an answer
    store-half  forward it, then send half of the answer and close
    late-cut the same, half a second later
    hang     never answer (until the proxy stops)
    store-hang  forward it, then never answer"""
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Proxy:
    def __init__(self, target_port, plan=(), only=''):
        self.plan = list(plan)
        self.only = only  # requests whose path has this word use up the plan; others pass
        self.seen = []
        self.lock = threading.Lock()
        self.released = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            wbufsize = -1  # head and body in one packet

            def log_message(self, *words):
                pass

            def answer(self, status, body, headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def forward(self, body):
                link = http.client.HTTPConnection('127.0.0.1', target_port, timeout=60)
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ('host', 'connection')}
                link.request(self.command, self.path, body, headers)
                got = link.getresponse()
                data = got.read()
                link.close()
                return got.status, data, [('Content-Type', got.getheader('Content-Type') or 'application/json')]

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                with proxy.lock:
                    word = proxy.plan.pop(0) if proxy.plan and proxy.only in self.path else 'pass'
                    proxy.seen.append((self.command, self.path.split('?')[0], word))
                if word.isdigit():
                    self.answer(int(word), b'{"error_code": "TEST", "message": "as planned"}',
                                [('Retry-After', '1')] if word in ('429', '503') else [])
                    return
                got = self.forward(body) if word == 'pass' or word.startswith('store') else None
                if word == 'pass':
                    self.answer(*got)
                elif word == 'store-500':
                    self.answer(500, b'{}')
                elif word == 'store-half':
                    self.send_response(200)
                    self.send_header('Content-Length', '100000')
                    self.end_headers()
                    self.wfile.write(b'{"run": {"in')
                    self.close_connection = True
                elif word == 'late-cut':
                    proxy.released.wait(0.5)
                    self.close_connection = True
                elif word.endswith('hang'):
                    proxy.released.wait(120)
                    self.close_connection = True
                else:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = handle_one

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f'http://127.0.0.1:{self.port}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
