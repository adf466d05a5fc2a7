import {execFile} from 'node:child_process';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {expect, it, test} from 'vitest';
import {commandTable} from '../../source/commands/table.ts';
import {formatNamed} from '../../source/commands/token-format.ts';
import {canary, temporaryFolder, writeStore} from '../support/sandbox.ts';
import {emptyState, program, shellScript} from './support.ts';

const recipes = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8');
const run = promisify(execFile);

/** The lines that a person would paste, under a title. */
function linesUnder(title: string): string {
	const [, section = ''] = recipes.split(`\n## ${title}\n`);
	const [own = ''] = section.split('\n## ');
	return [...own.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map(([, lines]) => lines).join('\n');
}

/** A shell's environment in which `jarvis` is the built program. */
function shell(): {readonly state: ReturnType<typeof emptyState>; readonly env: NodeJS.ProcessEnv} {
	const state = emptyState();
	const folder = temporaryFolder();
	mkdirSync(join(folder, 'home'));
	shellScript(folder, 'jarvis', `exec '${process.execPath}' '${program}' "$@"`);
	const env = {
		...{PATH: `${folder}:${process.env.PATH}`, HOME: join(folder, 'home'), LANG: 'C.UTF-8'},
		...{JARVIS_STATE_DIR: state.stateDir, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1'},
	};
	return {state, env};
}

it('the lines for git are taken by git, word for word', async () => {
	const {state, env} = shell();
	writeStore(state, 'main', {
		profiles: {'github:work': {type: 'token', provider: 'github', token: canary('github')}},
	});
	await run('sh', ['-e', '-c', linesUnder('git')], {env});
	const fill = async (host: string) => {
		const asked = `printf 'protocol=https\\nhost=${host}\\n\\n' | git credential fill`;
		const {stdout} = await run('sh', ['-c', asked], {env});
		return stdout.split('\n').slice(2, 4);
	};
	expect(await fill('github.com')).toEqual(['username=x-access-token', `password=${canary('github')}`]);
	expect(await fill('git.example.test')).toEqual(['username=maya', `password=${canary('github')}`]);
	await expect(fill('other.example.test')).rejects.toThrow('terminal prompts disabled');
});

it('a script in Python finds its key where it looks for it', async () => {
	const {state, env} = shell();
	writeStore(state, 'main', {
		profiles: {'openai:default': {type: 'api_key', provider: 'openai', key: canary('openai')}},
	});
	const folder = temporaryFolder();
	writeFileSync(join(folder, 'app.py'), 'import os\nprint(os.environ["OPENAI_API_KEY"])\n');
	const [line = ''] = linesUnder('SDKs and scripts')
		.split('\n')
		.filter(each => each.includes('python3'));
	const {stdout, stderr} = await run('sh', ['-e', '-c', line], {env, cwd: folder});
	expect({stdout, stderr}).toEqual({stdout: `${canary('openai')}\n`, stderr: ''});
});

test('every command in the recipes is one, with flags that it has', () => {
	// In shells, and in the lists of words of other programs' files.
	const listed = recipes.replace(/"?command"?[:=] *"?jarvis"?\s*args *[:=] *\[(.*?)\]/g, (_, words: string) =>
		['jarvis', ...words.split(',')].join(' ').replace(/["\s]+/g, ' '),
	);
	const said = [...listed.matchAll(/\bjarvis ([a-z][a-z-]*(?: [^'"`\n)|]*)?)/g)].map(
		([, words = '']) => words,
	);
	expect(said.length).toBeGreaterThan(20);
	for (const words of said) {
		const spec = commandTable.find(({path}) => `${words} `.startsWith(`${path.join(' ')} `));
		const [own = ''] = words.split(' -- ');
		const flags = [...own.matchAll(/ --([a-z-]+)/g)].map(([, name]) => name);
		expect([words, spec?.flags.map(({name}) => name)]).toEqual([words, expect.arrayContaining(flags)]);
	}
	const formats = [...recipes.matchAll(/--format ([a-z-]+)/g)].map(([, name = '']) => name);
	for (const name of formats) expect(() => formatNamed(name)).not.toThrow();
});
