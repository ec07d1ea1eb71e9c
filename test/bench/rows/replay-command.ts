// One command line in a process of its own: how long it takes and how much memory it needs at most.
// Arguments: those of `capstan`. Prints JSON.
import process from 'node:process';
import { runCli } from '../../../src/cli/program.ts';
import { Terminal } from '../../../src/cli/terminal.ts';

const startedMs = performance.now();
let out = '';
let error = '';
const code = await runCli(process.argv.slice(2), {
  terminal: new Terminal({ out: (text) => (out += text), error: (text) => (error += text), colour: false }),
  signal: new AbortController().signal,
});
const ms = performance.now() - startedMs;
process.stdout.write(JSON.stringify({ code, ms, rssMiB: process.resourceUsage().maxRSS / 1024, out, error }));
