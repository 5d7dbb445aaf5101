"""HTTP client on http.client. Usage: python3 client.py URL COUNT"""
import http.client
import json
import sys
from urllib.parse import urlsplit

url, count = urlsplit(sys.argv[1]), int(sys.argv[2])
connection = http.client.HTTPConnection(url.hostname, url.port)
right = 0
for n in range(count):
    body = json.dumps({"n": n, "pad": "p" * (n % 50)}, separators=(",", ":"))
    connection.request("POST", f"/echo/{n}", body, {"Content-Type": "application/json"})
    if connection.getresponse().read().decode() == body:
        right += 1
print(right)
