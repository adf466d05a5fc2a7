import {openTerminal} from '../support/terminal.ts';

// A window with a dashboard in it, and nothing else: when this process is killed, the window is gone.
const terminal = openTerminal({command: process.execPath, args: process.argv.slice(2), columns: 120});
await terminal.waitFor(new RegExp(process.env.SHOWS ?? 'q quit'));
process.stdout.write(`${terminal.pid}\n`);
