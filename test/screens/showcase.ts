import {join} from 'node:path';
import {openJarvis} from '../../source/core.ts';
import {objectMember, setMember} from '../../source/store/json.ts';
import {statePaths} from '../../source/store/paths.ts';
import {updateCredentials} from '../../source/store/profiles.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';
import {apiKey, day, fill, hour, minute, noon, oauth, second, token} from './state.ts';

/** A state folder with agents and profiles in every state, always the same. */
export async function showcase(): Promise<string> {
	const stateDir = temporaryFolder();
	const jarvis = openJarvis({stateDir, env: {}});
	await jarvis.addAgent({id: 'personal'});
	await jarvis.addAgent({id: 'work', workspace: '~/work'});
	await fill(stateDir, 'main', {
		profiles: {
			'openai-codex:maya@example.test': oauth('openai-codex', {
				...{email: 'maya@example.test', accountId: 'account-maya'},
				...{expires: noon + 41 * minute + 8 * second},
			}),
			'anthropic:work': token('anthropic', {expires: noon + 5 * hour}),
			'anthropic:default': apiKey('anthropic'),
			'openrouter:default': apiKey('openrouter'),
			'groq:default': apiKey('groq'),
			'openai:vault': {
				...{type: 'api_key', provider: 'openai'},
				keyRef: {source: 'env', provider: 'default', id: 'OPENAI_API_KEY'},
			},
		},
		usage: {
			'openai-codex:maya@example.test': {
				lastUsed: noon - 40 * second,
				lastProven: {at: noon - 19 * minute, outcome: 'refreshed'},
			},
			'anthropic:work': {lastUsed: noon - 3 * minute},
			'openrouter:default': {errorCount: 2, cooldownUntil: noon + 4 * minute},
			'groq:default': {errorCount: 1, disabledUntil: noon + 5 * hour, disabledReason: 'billing'},
		},
	});
	await fill(stateDir, 'work', {
		profiles: {
			'anthropic:old': token('anthropic', {expires: noon - 3 * day}),
			'anthropic:default': token('anthropic', {expires: noon + 340 * day}),
		},
		order: {anthropic: ['anthropic:default', 'anthropic:old']},
	});
	await updateCredentials(statePaths(stateDir), 'work', document => {
		setMember(objectMember(document, 'profiles'), 'acme:future', {type: 'passkey', provider: 'acme'});
	});
	const anthropic = {providerOverride: 'anthropic', modelOverride: 'opus'};
	writeJson(statePaths(stateDir).sessions('main'), {
		'chat:42': {
			...{updatedAt: noon - 20 * second, authProfileOverride: 'anthropic:work'},
			...{authProfileOverrideSource: 'auto', authProfileOverrideCompactionCount: 0},
			...anthropic,
		},
		review: {...anthropic, updatedAt: noon - hour, authProfileOverride: 'anthropic:gone'},
		nightly: {providerOverride: 'openrouter', modelOverride: 'auto', updatedAt: noon - 2 * day},
		'漢字/かな': {...anthropic, updatedAt: noon - 3 * day, authProfileOverride: 'anthropic:default'},
	});
	const method = {
		method: 'oauth',
		issuer: 'https://acme.test',
		clientId: 'x',
		redirectUris: ['http://127.0.0.1/'],
	};
	const manifest = {id: 'acme', label: 'Acme', auth: [method]};
	writeJson(join(stateDir, 'plugins', 'acme', 'jarvis.plugin.json'), manifest);
	return stateDir;
}
