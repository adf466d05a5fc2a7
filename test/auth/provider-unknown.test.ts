import {expect, it, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {canary, refusal, writeJson} from '../support/sandbox.ts';
import {put, temporaryFolder} from '../support/state-folder.ts';

const key = (provider: string) => ({type: 'api_key', provider, key: canary(provider)});

function state() {
	const stateDir = temporaryFolder();
	const paths = statePaths(stateDir);
	writeJson(paths.profiles('main'), {profiles: {'openai:default': key('openai')}});
	writeJson(paths.profiles('work'), {profiles: {'gone:default': key('gone')}});
	return {paths, jarvis: openJarvis({stateDir, env: {}})};
}

type Jarvis = ReturnType<typeof state>['jarvis'];

const ways: [string, (jarvis: Jarvis, providerId: string) => Promise<unknown>][] = [
	['resolve', (jarvis, providerId) => jarvis.resolve({providerId})],
	['which', (jarvis, providerId) => jarvis.which({providerId})],
	['handOut', (jarvis, providerId) => jarvis.handOut({providerIds: ['openai', providerId]}, 'true')],
];

test.each(ways)(
	'%s says that nobody knows the provider, and what it may have been meant for',
	async (_, ask) => {
		expect(await refusal(ask(state().jarvis, 'antrhopic'))).toMatchObject({
			code: 'provider_unknown',
			exitCode: 1,
			message: 'There is no provider "antrhopic".',
			next: expect.stringMatching(/^Did you mean anthropic\? Known are openai-codex, /),
		});
	},
);

test.each([
	['a built-in provider', 'anthropic'],
	['one that another agent has a profile of', 'gone'],
])('%s is known, and has no profile', async (_, providerId) => {
	const {jarvis} = state();
	for (const [name, ask] of ways.filter(([way]) => way !== 'which')) {
		expect(await refusal(ask(jarvis, providerId)), name).toMatchObject({code: 'no_credential', exitCode: 3});
	}
	expect((await jarvis.which({providerId})).chosen).toBeUndefined();
});

it('claims nothing of a provider whose profiles may be in a file that cannot be read', async () => {
	const {jarvis, paths} = state();
	put(paths.profiles('work'), '{');
	expect(await refusal(jarvis.resolve({providerId: 'gone'}))).toMatchObject({code: 'no_credential'});
});

it('knows a declared provider, and says where a manifest is out of use', async () => {
	const {jarvis, paths} = state();
	put(`${paths.plugins}/acme/jarvis.plugin.json`, '{');
	const {code, next} = await refusal(jarvis.resolve({providerId: 'acme'}));
	expect(code).toBe('provider_unknown');
	expect(next).not.toContain('Did you mean');
	expect(next).toContain('jarvis plugins list');
});
