import {writeFile} from 'node:fs/promises';
import {basename} from 'node:path';
import {parseArgs} from 'node:util';
import {openTerminal} from '../test/support/terminal.ts';
import {screenToSvg} from './svg.ts';

const usage = `Usage: node scripts/picture.ts [out.svg] [options] -- command [arguments]

Runs a command in a terminal and paints its screen as an SVG, to standard output without a file name.

  --columns N       110 unless given
  --rows N          32 unless given
  --theme NAME      dark (the default) or light
  --title TEXT      the command unless given
  --keys KEYS       types keys; \\r \\n \\t \\e \\xNN \\\\ are understood
  --wait TEXT       waits for the text to be on the screen

--keys and --wait can be given several times and are done in their order. The picture is taken after the last
--wait, or when the command ends if there is none.
`;

type Action = {kind: 'keys'; keys: string[]} | {kind: 'wait'; text: string};

interface Request {
	output: string | undefined;
	columns: number;
	rows: number;
	theme: 'dark' | 'light';
	title: string;
	actions: Action[];
	command: string;
	args: string[];
}

function parseRequest(argv: string[]): Request {
	const {values, tokens} = parseArgs({
		args: argv,
		allowPositionals: true,
		tokens: true,
		options: {
			columns: {type: 'string', default: '110'},
			rows: {type: 'string', default: '32'},
			theme: {type: 'string', default: 'dark'},
			title: {type: 'string'},
			keys: {type: 'string', multiple: true},
			wait: {type: 'string', multiple: true},
		},
	});
	const terminator = tokens.find(({kind}) => kind === 'option-terminator')?.index ?? argv.length;
	const outputs = tokens.filter(token => token.kind === 'positional' && token.index < terminator);
	const [command, ...args] = argv.slice(terminator + 1);
	if (command === undefined || outputs.length > 1) {
		throw new Error(`Give one output file at most, and a command after --.\n\n${usage}`);
	}

	const actions = tokens.flatMap((token): Action[] => {
		if (token.kind !== 'option' || token.value === undefined) {
			return [];
		}

		if (token.name === 'keys') {
			return [{kind: 'keys', keys: decodeKeys(token.value)}];
		}

		return token.name === 'wait' ? [{kind: 'wait', text: token.value}] : [];
	});
	return {
		output: argv[outputs[0]?.index ?? -1],
		columns: size('columns', values.columns),
		rows: size('rows', values.rows),
		theme: theme(values.theme),
		title: values.title ?? [basename(command), ...args].join(' '),
		actions,
		command,
		args,
	};
}

function size(name: string, value: string): number {
	const number = Number(value);
	if (!Number.isInteger(number) || number < 1 || number > 1000) {
		throw new Error(`--${name} takes a number from 1 to 1000, not ${JSON.stringify(value)}.`);
	}

	return number;
}

function theme(value: string): 'dark' | 'light' {
	if (value !== 'dark' && value !== 'light') {
		throw new Error(`--theme is dark or light, not ${JSON.stringify(value)}.`);
	}

	return value;
}

/** The keys in a text: each character is one, and so is a whole escape sequence such as the one of an arrow. */
function decodeKeys(text: string): string[] {
	const named: Record<string, string> = {r: '\r', n: '\n', t: '\t', e: '\u{1b}', '\\': '\\'};
	const keys = text.replace(/\\(?:x([\da-f]{2})|(.?))/gi, (whole, code?: string, name?: string) => {
		const char = code === undefined ? named[name ?? ''] : String.fromCodePoint(Number.parseInt(code, 16));
		if (char === undefined) {
			throw new Error(`--keys doesn't know ${whole}.`);
		}

		return char;
	});
	// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals send them.
	return keys.match(/\u{1b}\[[\d;]*[~A-Za-z]|\u{1b}O[A-Z]|./gsu) ?? [];
}

async function takePicture(request: Request): Promise<string> {
	const terminal = openTerminal(request);
	try {
		for (const action of request.actions) {
			if (action.kind === 'keys') {
				await terminal.press(...action.keys);
			} else {
				await terminal.waitFor(action.text);
			}
		}

		// Nothing says when keys have had their effect, except that the command ends.
		if (request.actions.at(-1)?.kind !== 'wait') {
			await terminal.exited;
		}

		return screenToSvg(terminal.cells(), request);
	} finally {
		await terminal.close();
	}
}

try {
	const request = parseRequest(process.argv.slice(2));
	const svg = await takePicture(request);
	if (request.output === undefined) {
		process.stdout.write(svg);
	} else {
		await writeFile(request.output, svg);
	}
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
}
