import {existsSync, readFileSync} from 'node:fs';
import {beforeAll, describe, expect, it} from 'vitest';
import {getFromKeychain, type Keychain, setInKeychain} from '../../../source/auth/secrets/keychain.ts';
import {resolveRefs} from '../../../source/auth/secrets/resolve-refs.ts';
import {decodeSecrets} from '../../../source/store/secrets-config.ts';
import {type Keyring, noKeyring, startKeyring} from '../../support/keyring.ts';
import {canary, refusal} from '../../support/sandbox.ts';

const item = {service: 'jarvis-test', account: 'me@example.test'};

it('without a Secret Service it says so, and the kernel’s keyring is not taken in its place', async () => {
	const keychain = {env: {}};
	const error = await refusal(setInKeychain(keychain, item, canary('nowhere')));
	expect(error).toMatchObject({code: 'keychain_unavailable', details: {reason: 'refused'}});
	expect(error.message).toContain('Nothing was changed');
	expect(error.next).toContain('Secret Service');
	expect(JSON.stringify(error)).not.toContain('canary');
	expect(existsSync('/proc/keys') ? readFileSync('/proc/keys', 'utf8') : '').not.toContain('jarvis-test');
});

describe.skipIf(noKeyring)(`a real Secret Service${noKeyring ? ` (there is no ${noKeyring})` : ''}`, () => {
	let keyring: Keyring;
	let keychain: Keychain;
	beforeAll(async () => {
		keyring = await startKeyring();
		keychain = {env: keyring.env};
		return () => keyring.close();
	});

	it('gives what was put in, by its name and no other', async () => {
		const secret = `${canary('kept')} "ü✔\n`;
		expect(await getFromKeychain(keychain, [item])).toEqual([undefined]);
		await setInKeychain(keychain, item, secret);
		const other = {...item, account: 'you@example.test'};
		expect(await getFromKeychain(keychain, [other, item])).toEqual([undefined, secret]);
		await setInKeychain(keychain, item, canary('newer'));
		expect(await getFromKeychain(keychain, [item])).toEqual([canary('newer')]);
		keyring.empty();
		expect(await getFromKeychain(keychain, [item])).toEqual([undefined]);
	});

	it('gives its own items as refs, where jarvis.json names their service', async () => {
		await setInKeychain(keychain, item, canary('item'));
		const config = decodeSecrets({providers: {mine: {source: 'keychain', service: item.service}}});
		const refOf = (id: string) => ({source: 'keychain' as const, provider: 'mine', id});
		const resolved = await resolveRefs([refOf(item.account), refOf('nobody')], {env: keyring.env, config});
		expect([...resolved.values()]).toEqual([
			{value: canary('item')},
			{failure: {code: 'not_found', message: 'the keychain has no item nobody of mine'}},
		]);
	});

	it('that is locked is an error at once, and works again when it is unlocked', async () => {
		await setInKeychain(keychain, item, canary('locked'));
		keyring.lock();
		for (const call of [
			() => getFromKeychain(keychain, [item]),
			() => setInKeychain(keychain, item, canary('other')),
		]) {
			const error = await refusal(call());
			expect(error).toMatchObject({code: 'keychain_unavailable', details: {reason: 'refused'}});
			expect(error.next).toContain('gnome-keyring-daemon --replace --unlock');
			expect(JSON.stringify(error)).not.toContain('canary');
		}
		await keyring.unlock();
		expect(await getFromKeychain(keychain, [item])).toEqual([canary('locked')]);
	});

	it('that hangs is given up, and is an error of a ref as well', async () => {
		keyring.signal('SIGSTOP');
		try {
			const hasty = {...keychain, limitMs: 200};
			const error = await refusal(getFromKeychain(hasty, [item]));
			expect(error).toMatchObject({code: 'keychain_unavailable', details: {reason: 'timed_out'}});
			expect(error.message).toContain('within 0.2 s');
			const config = decodeSecrets({
				providers: {mine: {source: 'keychain', service: item.service, timeoutMs: 200}},
			});
			const ref = {source: 'keychain', provider: 'mine', id: item.account} as const;
			const resolved = await resolveRefs([ref], {env: keyring.env, config});
			expect([...resolved.values()]).toEqual([
				{failure: {code: 'timed_out', message: 'the keychain did not answer within 0.2 s'}},
			]);
		} finally {
			keyring.signal('SIGCONT');
		}
		expect(await getFromKeychain(keychain, [item])).toEqual([canary('locked')]);
	});
});
