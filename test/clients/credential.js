// DefaultAzureCredential of @azure/identity, as main.go says of the others.
"use strict";

const { DefaultAzureCredential } = require("@azure/identity");
const readline = require("node:readline");

const credential = new DefaultAzureCredential();
const ask = async (resource) => (await credential.getToken(resource + "/.default")).token;

async function main() {
  for (const resource of process.argv.slice(2)) {
    if (resource !== "-") {
      console.log(await ask(resource));
      continue;
    }
    for await (const line of readline.createInterface({ input: process.stdin })) {
      console.log(await ask(line).catch((e) => "error: " + String(e.message).split(/\s+/).join(" ")));
    }
  }
}

main().catch((e) => {
  console.error(String(e));
  process.exitCode = 1;
});
