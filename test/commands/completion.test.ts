import {execFile, execFileSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {beforeAll, describe, expect, it, test} from 'vitest';
import {methodNames} from '../../source/auth/providers/contract.ts';
import {offers, runCompletion} from '../../source/commands/completion.ts';
import {runCompletionValues} from '../../source/commands/completion-values.ts';
import {commandTable} from '../../source/commands/table.ts';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {put, temporaryFolder, text} from '../support/state-folder.ts';

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
].filter(words => !words.startsWith('completion'));

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

test('what is offered for values is for flags that take one, and a flag takes one everywhere or nowhere', () => {
	const flags = commandTable.flatMap(command => command.flags);
	const valued = new Set(flags.filter(({value}) => value !== undefined).map(({name}) => name));
	const switches = new Set(flags.filter(({value}) => value === undefined).map(({name}) => name));
	expect([...valued].filter(name => switches.has(name))).toEqual([]);
	expect(Object.keys(offers).filter(name => !valued.has(name))).toEqual([]);
});

describe('the names that the scripts ask for', () => {
	const paths = statePaths(temporaryFolder());
	const key = (provider: string) => ({type: 'api_key', provider, key: 'not-a-secret'});
	beforeAll(() => {
		put(paths.config, {agents: {list: [{id: 'work'}, {id: '$(touch here)'}]}});
		put(paths.profiles('main'), {
			profiles: {'acme:$(touch here)': key('acme'), 'acme:a': key('acme'), 'openai:b': key('openai')},
		});
		put(paths.profiles('work'), {profiles: {'openai:w': key('openai')}});
		put(paths.legacyAuth('main'), {groq: key('groq')});
	});

	async function names(kind: string, flags: Record<string, string> = {}): Promise<string[]> {
		const printed: string[] = [];
		await runCompletionValues({
			jarvis: openJarvis({stateDir: paths.root, env: {}}),
			...{flags, arguments: [kind], stdin: process.stdin},
			...{print: text => printed.push(text), tell: () => {}},
		});
		return printed;
	}

	test('are those of the files, and none that a shell might act on', async () => {
		expect(await names('agent')).toEqual(['main', 'work']);
		expect(await names('profile')).toEqual(['acme:a', 'openai:b']);
		expect(await names('profile', {agent: 'work'})).toEqual(['openai:w', 'acme:a']);
		expect(await names('profile', {provider: 'acme'})).toEqual(['acme:a']);
		expect(await names('profile', {agent: 'nobody'})).toEqual([]);
		expect(await names('provider')).toEqual(expect.arrayContaining(['anthropic', 'openai-codex']));
		await expect(names('secret')).rejects.toMatchObject({code: 'usage'});
	});

	test('are asked for without bringing anything in', async () => {
		await names('profile');
		expect(text(paths.legacyAuth('main'))).toContain('not-a-secret');
		expect(text(paths.profiles('main'))).not.toContain('groq');
	});
});

/** A program in the place of JARVIS, which tells what it was asked for. */
const stub = {
	posix: `jarvis() { case "$3" in agent) echo main work ;; profile) echo acme:a acme:b "openai:$#" ;; *) echo acme openai ;; esac; }`,
	fish: `function jarvis; switch $argv[3]; case agent; printf '%s\\n' main work; case profile; printf '%s\\n' acme:a acme:b openai:(count $argv); case '*'; printf '%s\\n' acme openai; end; end`,
};

describe.runIf(isInstalled('bash'))('in bash', () => {
	let script = '';
	beforeAll(async () => {
		script = await scriptOf('bash');
	});

	/** What real bash offers for a line: the last word is the one that is being typed. */
	async function offered(line: string): Promise<string[]> {
		const words = line.split(' ');
		const asked = `${script}
${stub.posix}
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

	test('behind -- follow programs, and then what is theirs, files if nothing is known', async () => {
		expect(await offered('jarvis exec --provider openai -- pri')).toContain('printf');
		expect(await offered('jarvis exec --provider openai -- printf models ')).toEqual([]);
		expect(await offered('jarvis exec --prov')).toEqual(['--provider']);
	});

	test('the shells follow completion', async () => {
		expect(await offered('jarvis completion ')).toEqual(['bash', 'fish', 'values', 'zsh']);
		expect(await offered('jarvis completion values p')).toEqual(['profile', 'provider']);
	});

	test('the value of a flag is offered where it is known, and nothing else is', async () => {
		expect(await offered('jarvis models status --agent ')).toEqual(['main', 'work']);
		expect(await offered('jarvis models status --json --agent=w')).toEqual(['work']);
		expect(await offered('jarvis models status --agent = w')).toEqual(['work']);
		expect(await offered('jarvis models auth token --provider o')).toEqual(['openai']);
		expect(await offered('jarvis models auth login --provider acme --method d')).toEqual(['device_code']);
		expect(await offered('jarvis models auth login --method ')).toEqual([...methodNames].sort());
		expect(await offered('jarvis models auth token --session ')).toEqual([]);
		expect(await offered('jarvis models auth token --min-ttl ')).toEqual([]);
		expect(await offered('jarvis models auth token --agent main --se')).toEqual(['--session']);
	});

	test('of a profile is offered what its agent and provider have, behind the colon alone', async () => {
		expect(await offered('jarvis models auth token --profile a')).toEqual(['acme:a', 'acme:b']);
		// As bash parts the line.
		expect(await offered('jarvis models auth token --profile acme :')).toEqual(['a', 'b']);
		expect(await offered('jarvis models auth token --profile acme : b')).toEqual(['b']);
		expect(await offered('jarvis models auth token --agent work --profile open')).toEqual(['openai:5']);
		expect(await offered('jarvis models auth token --agent=work --provider x --profile open')).toEqual([
			'openai:6',
		]);
	});

	test('a folder is offered folders', async () => {
		expect(await offered('jarvis models status --state-dir sourc')).toEqual(['source']);
	});

	// An argument is taken for a word of the command.
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

	test.each([
		['models status --agent', ['main', 'work']],
		['models auth login --method', [...methodNames].sort()],
		['models auth token --agent work --profile', ['acme:a', 'acme:b', 'openai:5']],
		['models auth token --session', []],
	])('the values of %s follow', async (line, values) => {
		const words = line.split(' ');
		const asked = `compdef() { :; }
compadd() { shift; print -l -- "$@"; }
${await scriptOf('zsh')}
${stub.posix}
words=(jarvis ${line} ''); CURRENT=${words.length + 2}; _jarvis`;
		const {stdout} = await run('zsh', ['-f', '-c', asked]);
		expect(stdout.split('\n').filter(Boolean).sort()).toEqual(values);
	});

	test('behind -- another program is completed', async () => {
		const asked = `compdef() { :; }
_normal() { print -l -- $CURRENT "$words[@]"; }
${await scriptOf('zsh')}
words=(jarvis exec --all -- git che); CURRENT=6; _jarvis`;
		const {stdout} = await run('zsh', ['-f', '-c', asked]);
		expect(stdout).toBe('2\ngit\nche\n');
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

	test.each([
		['models status --agent ', ['main', 'work']],
		['models status --agent=w', ['--agent=work']],
		['models auth login --method de', ['device_code']],
		['models auth token --agent work --profile o', ['openai:5']],
		['models auth token --session ', []],
		['models auth token --agent main --se', ['--session']],
		['models status --state-dir sourc', ['source/']],
	])('what follows %j is offered', async (line, values) => {
		const file = join(temporaryFolder(), 'jarvis.fish');
		writeFileSync(file, await scriptOf('fish'));
		const asked = `source ${file}; ${stub.fish}; complete -C 'jarvis ${line}'`;
		const {stdout} = await run('fish', ['-c', asked], {timeout: 10_000});
		const offered = stdout.split('\n').filter(Boolean);
		expect(offered.map(row => row.split('\t')[0]).sort()).toEqual(values);
	});

	test('behind -- another program is completed', async () => {
		const file = join(temporaryFolder(), 'jarvis.fish');
		writeFileSync(file, await scriptOf('fish'));
		const asked = `source ${file}; complete -c canary -f -a 'one two'; complete -C 'jarvis exec --all -- canary o'`;
		const {stdout} = await run('fish', ['-c', asked], {timeout: 10_000});
		expect(stdout.trim()).toBe('one');
	});
});
