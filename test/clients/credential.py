"""DefaultAzureCredential of azure-identity, as main.go says of the others."""

import sys

from azure.identity import DefaultAzureCredential

credential = DefaultAzureCredential()


def ask(resource):
    return credential.get_token(resource + "/.default").token


for resource in sys.argv[1:]:
    if resource != "-":
        print(ask(resource))
        continue
    for line in iter(sys.stdin.readline, ""):
        try:
            print(ask(line.strip()), flush=True)
        except Exception as error:
            print("error:", *str(error).split(), flush=True)
