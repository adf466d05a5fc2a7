import {execFile, execFileSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {beforeAll, describe, expect, it, test} from 'vitest';
import {runCompletion} from '../../source/commands/completion.ts';
import {commandTable} from '../../source/commands/table.ts';
import {openJarvis} from '../../source/core.ts';
import {temporaryFolder} from '../support/sandbox.ts';

const run = promisify(execFile);

async function scriptOf(shell: string): Promise<string> {
	const printed: string[] = [];
	const code = await runCompletion({
		jarvis: openJarvis({stateDir: '/nonexistent', env: {}}),
		...{flags: {}, arguments: [shell], stdin: process.stdin},
		print: text => printed.push(text),
		tell: text => printed.push(text),
	});
	expect(code).toBe(0);
	return printed.join('\n');
}

function isInstalled(shell: string): boolean {
	try {
		execFileSync(shell, ['-c', 'exit 0'], {stdio: 'ignore'});
		return true;
	} catch {
		return false;
	}
}

/** What the table says may follow some words. */
function following(...words: readonly string[]): string[] {
	const matching = commandTable.filter(({path}) => words.every((word, depth) => path[depth] === word));
	const next = matching.flatMap(({path}) => path[words.length] ?? []);
	const flags = matching.filter(({path}) => path.length === words.length).flatMap(command => command.flags);
	return [...new Set([...next, ...flags.map(flag => `--${flag.name}`)])].sort();
}

/** Every beginning of a command, and every whole one. */
const beginnings = [
	...new Set(commandTable.flatMap(({path}) => path.map((_, depth) => path.slice(0, depth + 1).join(' ')))),
].filter(words => words !== 'completion');

test('there is none for a shell that is not known, which says those that are', async () => {
	for (const shell of ['tcsh', '', 'toString']) {
		await expect(scriptOf(shell)).rejects.toMatchObject({code: 'usage', next: 'Ask for bash, zsh or fish.'});
	}
});

test.each(['bash', 'zsh', 'fish'])(
	'the script for %s names every word and flag of every command',
	async shell => {
		const script = await scriptOf(shell);
		for (const {path, flags} of commandTable) {
			for (const word of [...path, ...flags.map(flag => `--${flag.name}`)]) expect(script).toContain(word);
		}
	},
);

describe.runIf(isInstalled('bash'))('in bash', () => {
	let script = '';
	beforeAll(async () => {
		script = await scriptOf('bash');
	});

	/** What real bash offers for a line: the last word is the one that is being typed. */
	async function offered(line: string): Promise<string[]> {
		const words = line.split(' ');
		const asked = `${script}
[[ "$(complete -p jarvis)" == *"-F _jarvis jarvis" ]] || exit 3
COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_jarvis; printf '%s\\n' "\${COMPREPLY[@]}"`;
		const {stdout} = await run('bash', ['--norc', '--noprofile', '-c', asked]);
		return stdout.split('\n').filter(Boolean).sort();
	}

	test('the commands follow', async () => {
		expect(await offered('jarvis ')).toEqual(following());
		expect(await offered('jarvis models auth ')).toEqual([
			...['add', 'cooldown', 'finish', 'list', 'login', 'logout', 'order', 'paste-token'],
			...['remove', 'report', 'setup-token', 'token', 'write-back'],
		]);
		expect(await offered('jarvis sessions ')).toEqual(['list', 'reset', 'send', 'show']);
	});

	test('every word and flag of the table follows where it belongs', async () => {
		for (const words of beginnings) {
			expect(await offered(`jarvis ${words} `), words).toEqual(following(...words.split(' ')));
		}
	});

	test('a word that is begun is completed', async () => {
		expect(await offered('jarvis mo')).toEqual(['models']);
		expect(await offered('jarvis models auth logi')).toEqual(['login']);
		expect(await offered('jarvis models auth login --p')).toEqual(['--profile-id', '--provider']);
		expect(await offered('jarvis models auth order s')).toEqual(['set']);
		expect(await offered('jarvis models auth cooldown c')).toEqual(['clear']);
		expect(await offered('jarvis models auth token --m')).toEqual(['--min-ttl', '--model']);
		expect(await offered('jarvis wh')).toEqual(['which']);
	});

	test('flags do not count as words', async () => {
		expect(await offered('jarvis models auth login --json --no')).toEqual(['--no-browser']);
	});

	test('the shells follow completion', async () => {
		expect(await offered('jarvis completion ')).toEqual(['bash', 'fish', 'zsh']);
	});

	// The value of a flag, and an argument, are taken for words of the command.
	it('flags follow also behind the value of another one and behind an argument', async () => {
		expect(await offered('jarvis models auth login --provider acme --no')).toEqual(['--no-browser']);
		expect(await offered('jarvis agents delete work --y')).toEqual(['--yes']);
		expect(await offered('jarvis which Opus --session chat --m')).toEqual(['--min-ttl']);
		expect(await offered('jarvis sessions send chat /model --a')).toEqual(['--agent']);
	});
});

describe.runIf(isInstalled('zsh'))('in zsh', () => {
	// zsh takes the C of `:CURRENT-2` for a modifier: "${(@)words[2,CURRENT-1]}" is what it understands.
	it.each([[[]], [['models']], [['agents', 'add']]])('the words after %j follow', async words => {
		const asked = `compdef() { :; }
compadd() { shift; print -l -- "$@"; }
${await scriptOf('zsh')}
words=(jarvis ${words.join(' ')} ''); CURRENT=${words.length + 2}; _jarvis`;
		const {stdout} = await run('zsh', ['-f', '-c', asked]);
		expect(stdout.trim().split('\n').sort()).toEqual(following(...words));
	});
});

describe.runIf(isInstalled('fish'))('in fish', () => {
	test.each([[[]], [['models']], [['models', 'auth']]])('the commands after %j follow', async words => {
		const home = temporaryFolder();
		const file = join(home, 'jarvis.fish');
		writeFileSync(file, await scriptOf('fish'));
		const line = ['jarvis', ...words, ''].join(' ');
		const {stdout} = await run('fish', ['-c', `source ${file}; complete -C '${line}'`], {
			env: {...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home},
			timeout: 10_000,
		});
		expect(stdout.trim().split('\n').sort()).toEqual(following(...words));
	});
});
