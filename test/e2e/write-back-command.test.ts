import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {codexProfile, openCodexSandbox, ownLogin, storedCodex} from '../support/codex.ts';
import {readStore, writeJson, writeStore} from '../support/sandbox.ts';
import {errorIn, run, runJson} from './support.ts';

const writeBack = ['models', 'auth', 'write-back'];

it('write-back is switched on, seen, kept up by any use of the token, stopped, and switched off', async () => {
	const sandbox = await openCodexSandbox();
	const env = {CODEX_HOME: sandbox.home};
	const original = ownLogin(storedCodex(sandbox));
	writeJson(sandbox.authFile, original);
	const on = await run(sandbox, [...writeBack, 'on', 'codex'], {env});
	expect(on).toMatchObject({code: 0, stdout: ''});
	expect(on.stderr).toContain(
		`The Codex CLI in ${sandbox.home} is kept in step with ${codexProfile} from now on.`,
	);
	expect(on.stderr).toContain(`kept in ${sandbox.authFile}.before-jarvis.`);
	const link = {
		program: 'codex',
		home: sandbox.home,
		agentId: 'main',
		profileId: codexProfile,
		state: 'in_step',
	};
	expect(await runJson(sandbox, [...writeBack, 'list'])).toEqual([link]);
	const status = await runJson<{auth: {oauth: {profiles: unknown[]}}}>(sandbox, ['models', 'status']);
	expect(status.auth.oauth.profiles).toMatchObject([{owner: 'main', writeBack: [link]}]);

	// Over by the clock of who asks next, whoever that is and whatever it knows of Codex.
	const {profiles} = readStore(sandbox);
	const over = {...storedCodex(sandbox), expires: Date.now() - 1};
	writeStore(sandbox, 'main', {version: 1, profiles: {...profiles, [codexProfile]: over}});
	const token = await run(sandbox, ['models', 'auth', 'token', '--provider', 'openai-codex']);
	expect(token).toMatchObject({code: 0, stderr: ''});
	const file = () => JSON.parse(readFileSync(sandbox.authFile, 'utf8'));
	expect(file().tokens).toMatchObject({access_token: token.stdout.trim(), refresh_token: ''});

	// Logged in by itself: the next refresh says so, beside the token.
	writeJson(sandbox.authFile, original);
	writeStore(sandbox, 'main', {
		version: 1,
		profiles: {[codexProfile]: {...storedCodex(sandbox), expires: Date.now() - 1}},
	});
	const told = await run(sandbox, ['models', 'auth', 'token', '--provider', 'openai-codex']);
	expect(told.code).toBe(0);
	expect(told.stdout.trim()).toBe(storedCodex(sandbox).access);
	const [, again = ''] = /To have it again: jarvis (.*)\n/.exec(told.stderr) ?? [];
	expect(again).toBe(`models auth write-back on codex --profile '${codexProfile}' --home '${sandbox.home}'`);
	expect(file()).toEqual(original);
	const list = await run(sandbox, [...writeBack, 'list']);
	expect(list.stdout).toMatch(/codex .* ✗ stopped: it was logged in by itself\n$/);

	expect((await run(sandbox, [...writeBack, 'off', 'codex'], {env})).code).toBe(0);
	expect((await run(sandbox, [...writeBack, 'list'])).stdout).toBe('No program is kept in step.\n');
	const off = await run(sandbox, [...writeBack, 'off', 'codex', '--json'], {env});
	expect([off.code, errorIn(off).code]).toEqual([1, 'write_back_unknown']);
});

it('a folder of its own is kept in step beside the usual one', async () => {
	const sandbox = await openCodexSandbox();
	const own = join(sandbox.stateDir, 'codex-of-work');
	for (const args of [[], ['--home', own]]) {
		const {code} = await run(sandbox, [...writeBack, 'on', 'codex', ...args], {
			env: {CODEX_HOME: sandbox.home},
		});
		expect(code).toBe(0);
	}
	expect(await runJson(sandbox, [...writeBack, 'list'])).toMatchObject([{home: sandbox.home}, {home: own}]);
	const other = await run(sandbox, [
		...writeBack,
		'on',
		'codex',
		'--profile',
		'openai-codex:nobody',
		'--json',
	]);
	expect([other.code, errorIn(other).code]).toEqual([1, 'profile_unknown']);
});
