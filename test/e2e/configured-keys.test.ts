import {expect, it} from 'vitest';
import {canary, writeJson} from '../support/sandbox.ts';
import {emptyState, run} from './support.ts';

const env = {COMPANY_KEY: canary('company')};

function state() {
	const made = emptyState();
	// As a person writes it, not as a template.
	writeJson(made.paths.config, {models: {providers: {openai: {apiKey: ['$', '{COMPANY_KEY}'].join('')}}}});
	return made;
}

it('a key of jarvis.json is in token, exec, which and status, each of which says whose it is', async () => {
	const made = state();
	const token = ['models', 'auth', 'token', '--provider', 'openai'];
	expect(await run(made, token, {env})).toEqual({code: 0, stdout: `${canary('company')}\n`, stderr: ''});
	const exec = ['exec', '--provider', 'openai', '--', 'printenv', 'OPENAI_API_KEY'];
	expect(await run(made, exec, {env})).toMatchObject({code: 0, stdout: `${canary('company')}\n`});
	const which = await run(made, ['which', 'openai'], {env});
	expect(which.stdout).toContain('  1. openai:jarvis.json (of jarvis.json)  ok\n');
	expect(which.stdout).toContain('why     for when no profile is ready\n');
	const status = await run(made, ['models', 'status', '--check'], {env});
	expect(status.code).toBe(0);
	expect(status.stdout).toMatch(/^openai:jarvis\.json ← jarvis\.json +api_key .* • static/m);
	const json = await run(made, ['models', 'status', '--json'], {env});
	expect(JSON.parse(json.stdout).auth.oauth.profiles).toMatchObject([
		{profileId: 'openai:jarvis.json', owner: 'jarvis.json', source: 'jarvis.json', health: 'static'},
	]);
	for (const {stdout} of [which, status, json]) expect(stdout).not.toContain(canary('company'));
});

it('one whose variable is not set is missing, and the way out is said', async () => {
	const made = state();
	expect(await run(made, ['models', 'status', '--check'])).toMatchObject({
		code: 1,
		stdout: expect.stringContaining(
			'openai:jarvis.json: the secret ref env:default:COMPANY_KEY does not resolve',
		),
	});
	expect(await run(made, ['models', 'auth', 'token', '--provider', 'openai', '--json'])).toMatchObject({
		code: 1,
		stderr: expect.stringContaining('unresolved_ref'),
	});
});

it('it is listed as what it is, and is taken away in jarvis.json alone', async () => {
	const made = state();
	const list = await run(made, ['models', 'auth', 'list', '--json'], {env});
	expect(JSON.parse(list.stdout).profiles).toMatchObject([{owner: 'jarvis.json', status: 'static'}]);
	expect(await run(made, ['models', 'auth', 'remove', 'openai:jarvis.json', '--json'], {env})).toMatchObject({
		code: 2,
	});
	expect(await run(made, ['models', 'auth', 'token', '--provider', 'openai'], {env})).toMatchObject({
		code: 0,
	});
});
