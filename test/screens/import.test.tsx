import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {keymap} from '../../source/keymap.ts';
import {statePaths} from '../../source/store/paths.ts';
import {writeAll, writeCodex} from '../support/other-programs.ts';
import {readStore, temporaryFolder} from '../support/sandbox.ts';
import {type AppOptions, keys, type RenderedApp, renderApp} from './render-app.tsx';
import {apiKey, day, fill, noon, oauth} from './state.ts';

/** Whatever digit the screen has among the others. */
const importKey = keymap.find(({action}) => action === 'openImport')?.keys[0] ?? '';

/** The dashboard on a machine where all programs are logged in. */
async function openApp(options: AppOptions = {}): Promise<RenderedApp & {readonly home: string}> {
	const folder = temporaryFolder();
	writeAll(folder, noon);
	const app = await renderApp({...options, env: {HOME: folder}});
	return {...app, home: folder};
}

async function openImport(options: AppOptions = {}) {
	const app = await openApp(options);
	await app.press(importKey);
	await app.waitFor('Codex CLI');
	return app;
}

const row = (app: RenderedApp, text: string) => app.lines().find(line => line.includes(text)) ?? '';

describe('the screen', () => {
	test('lists what was found, and tells what adopting and linking mean', async () => {
		const app = await openImport({columns: 120, rows: 40});
		expect(app.frame()).toMatchInlineSnapshot(`
			" JARVIS  1 Agents  2 Profiles  3 Order  4 Health  5 Login  6 Sessions ▸7 Import  8 Log  9 Broker
			────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
			  Logins of other programs, for the agent main
			  PROGRAM      PROVIDER                          KIND     ACCOUNT                                LEFT  HERE
			▸ Codex CLI    openai-codex                      OAuth    maya@example.test                        9d  + new
			  Claude Code  anthropic                         OAuth    maya@example.test                        8h  + new
			  Gemini CLI   google-gemini-cli                 OAuth    maya@example.test                      over  + new
			  GitHub CLI   github                            token    maya                                      –  + new
			  GitHub CLI   github                            token    work-bot                                  –  • not in the file
			  GitHub CLI   ghe.example.test                  token    maya                                      –  + new
			  pi           anthropic                         API key  –                                         –  • not in the file
			  pi           github-copilot                    OAuth    –                                       20m  + new
			  pi           groq                              API key  –                                         –  + new



















			┌──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
			│ ~/.codex/auth.json → openai-codex:maya@example.test                                                                  │
			│ Adopt: JARVIS stores it and refreshes it from now on. Codex is logged out at the next refresh here, unless it has    │
			│ its tokens from JARVIS: jarvis models auth write-back on codex                                                       │
			│ Link: It is read where it is at each use, and Codex CLI alone refreshes it.                                          │
			└──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘

			 ⏎ take over  r look again  y copy command  → agent  / filter  ? help  q quit"
		`);
	});

	test('at 80x24', async () => {
		const app = await openImport({columns: 80, rows: 24});
		expect(app.frame()).toMatchInlineSnapshot(`
			" 1 Agents 2 Profiles 3 Order 4 Health 5 Login 6 Sessions▸7 Import 8 Log 9
			────────────────────────────────────────────────────────────────────────────────
			  Logins of other programs, for the agent main
			  PROGRAM      PROVIDER          ACCOUNT                 LEFT  HERE
			▸ Codex CLI    openai-codex      maya@example.test         9d  + new
			  Claude Code  anthropic         maya@example.test         8h  + new
			  Gemini CLI   google-gemini-c…  maya@example.test       over  + new
			  GitHub CLI   github            maya                       –  + new
			  GitHub CLI   github            work-bot                   –  • not in the file
			  GitHub CLI   ghe.example.test  maya                       –  + new
			  pi           anthropic         –                          –  • not in the file
			  pi           github-copilot    –                        20m  + new
			  pi           groq              –                          –  + new


			┌──────────────────────────────────────────────────────────────────────────────┐
			│ ~/.codex/auth.json → openai-codex:maya@example.test                          │
			│ Adopt: JARVIS stores it and refreshes it from now on. Codex is logged out at │
			│ the next refresh here, unless it has its tokens from JARVIS: jarvis models   │
			│ auth write-back on codex                                                     │
			│ Link: It is read where it is at each use, and Codex CLI alone refreshes it.  │
			└──────────────────────────────────────────────────────────────────────────────┘

			 ⏎ take over  r look again  y copy command  → agent  / filter  ? help  q quit"
		`);
	});

	test('at 60x16', async () => {
		const app = await openImport({columns: 60, rows: 16});
		await app.press('j');
		await app.waitFor(/▸ Claude/);
		expect(app.frame()).toMatchInlineSnapshot(`
			" 1 Agents 2 Profiles 3 Order 4 Health 5 6▸7 Import 8 9
			────────────────────────────────────────────────────────────
			  Logins of other programs, for the agent main
			  PROGRAM      PROVIDER  1–3/9       LEFT  HERE
			  Codex CLI    openai-codex            9d  + new
			▸ Claude Code  anthropic               8h  + new
			  Gemini CLI   google-gemini-cli     over  + new
			┌──────────────────────────────────────────────────────────┐
			│ ~/.claude/.credentials.json →                            │
			│ anthropic:maya@example.test                              │
			│ Adopt: no, no provider here can refresh it, and JARVIS   │
			│ does not pose as Claude Code.                            │
			│ Link: It is read where it is at each use, and Claude     │
			└─ 1–5/6   Space: more ────────────────────────────────────┘

			 ⏎ take over  r look again  …  ? help  q quit"
		`);
	});

	test('says where there is nothing, and finds what comes', async () => {
		const folder = temporaryFolder();
		const app = await renderApp({env: {HOME: folder}});
		await app.press(importKey);
		await app.waitFor('No other program has a login on this machine.');
		writeCodex(folder, {expires: noon + day});
		await app.press('r');
		await app.waitFor(/Codex CLI +openai-codex/);
	});

	test('names a file that cannot be read, and nothing of what is in it', async () => {
		const app = await openApp();
		writeFileSync(join(app.home, '.codex', 'auth.json'), '{"OPENAI_API_KEY": "not-a-secret-torn');
		await app.press(importKey);
		await app.waitFor(/! .*auth\.json is not valid JSON/);
		expect(app.frame()).not.toContain('torn');
	});
});

describe('taking a login over', () => {
	test('is asked, with what it means; l links', async () => {
		const app = await openImport({columns: 80, rows: 24});
		await app.press(keys.enter);
		await app.waitFor('Who refreshes this login of Codex CLI?');
		expect(app.frame()).toMatchInlineSnapshot(`
			" 1 Agents 2 Profiles 3 Order 4 Health 5 Login 6 Sessions▸7 Import 8 Log 9
			────────────────────────────────────────────────────────────────────────────────
			  Logins of other programs, for the agent main
			  PROGRAM      PROVIDER          ACCOUNT                 LEFT  HERE
			▸ Codex CLI    openai-codex      maya@example.test         9d  + new
			  Claude Code  anthropic         maya@example.test         8h  + new
			  Gemini CLI   google-gemini-c…  maya@example.test       over  + new
			  GitHub CLI   github            maya                       –  + new
			  GitHub╭──────────────────────────────────────────────────────────────╮the file
			  GitHub│ Who refreshes this login of Codex CLI?                       │
			  pi    │ Adopt: JARVIS stores it and refreshes it from now on. Codex  │the file
			  pi    │ is logged out at the next refresh here, unless it has its    │
			  pi    │ tokens from JARVIS: jarvis models auth write-back on codex   │
			        │ Link: It is read where it is at each use, and Codex CLI      │
			        │ alone refreshes it.                                          │
			┌───────│ a adopt   l link   Esc cancel                                │───────┐
			│ ~/.cod╰──────────────────────────────────────────────────────────────╯       │
			│ Adopt: JARVIS stores it and refreshes it from now on. Codex is logged out at │
			│ the next refresh here, unless it has its tokens from JARVIS: jarvis models   │
			│ auth write-back on codex                                                     │
			│ Link: It is read where it is at each use, and Codex CLI alone refreshes it.  │
			└──────────────────────────────────────────────────────────────────────────────┘

			 a adopt  l link  Esc cancel"
		`);
		await app.press('l');
		await app.waitFor(/Codex CLI.*✓ linked/);
		await app.waitFor('✓ Linked: openai-codex:maya@example.test of the agent main.');
		const {profiles} = readStore({paths: statePaths(app.stateDir)});
		expect(profiles['openai-codex:maya@example.test']).toEqual({
			...{type: 'oauth', provider: 'openai-codex', email: 'maya@example.test', accountId: 'account-maya'},
			link: {program: 'codex', file: join(app.home, '.codex', 'auth.json'), entry: 'tokens'},
		});
		await app.press('2');
		await app.waitFor(/openai-codex:maya@example\S+ ← codex +✓ ok/);
		expect(app.frame()).toContain('to the login of codex in ~/.codex/auth.json');
	});

	test('a adopts, and what is there already is told', async () => {
		const app = await openImport();
		await app.press(keys.enter, 'a');
		await app.waitFor(/Codex CLI.*✓ here already/);
		expect(app.frames.join()).not.toContain('canary');
		await app.press(keys.enter);
		await app.waitFor('openai-codex:maya@example.test has it already');
		expect(app.state().dialog).toBeUndefined();
	});

	test('what can only be linked offers nothing else', async () => {
		const app = await openImport();
		await app.press('j', keys.enter);
		await app.waitFor('It cannot be adopted: no provider here can refresh it');
		await app.press('a');
		expect(app.state().dialog).toBeDefined();
		await app.press(keys.esc);
		await app.waitFor(() => expect(app.state().dialog).toBeUndefined());
		expect(row(app, 'Claude Code')).toContain('+ new');
	});

	test('tells where something fresher is stored', async () => {
		const stateDir = temporaryFolder();
		const stored = oauth('openai-codex', {
			...{email: 'maya@example.test', accountId: 'account-maya', expires: noon + 30 * day},
		});
		await fill(stateDir, 'main', {profiles: {'openai-codex:maya@example.test': stored}});
		const app = await openImport({stateDir});
		expect(row(app, 'Codex CLI')).toContain('✓ fresher here');
		await app.press(keys.enter);
		await app.waitFor('It cannot be adopted: what openai-codex:maya@example.test has is newer.');
	});
});

describe('the hint', () => {
	test('is given to whoever has nothing yet, and leads to the screen', async () => {
		const app = await openApp({rows: 16, columns: 80});
		await app.waitFor('Logged in on this machine: Codex CLI, Claude Code, Gemini CLI, GitHub CLI,');
		expect(app.state().screen).toBe('onboard');
		expect(app.frame()).toContain(`Press ${importKey}`);
		await app.press(importKey);
		await app.waitFor('Logins of other programs, for the agent main');
	});

	test('stands on the screen of the agents too, until there is a profile', async () => {
		const app = await openApp();
		await app.press('1');
		await app.waitFor('Logged in on this machine');
		await fill(app.stateDir, 'main', {profiles: {'acme:a': apiKey('acme')}});
		await app.context.host.reload();
		await app.waitFor(() => expect(app.frame()).not.toContain('Logged in on this machine'));
	});
});
