import {json} from 'node:stream/consumers';
import {type KeychainItem, type KeychainReply, type KeychainRequest, readySign} from './keychain-protocol.ts';

/**
 * Talks to the keychain, in a process of its own: its calls block, some for ever (a prompt that nobody sees),
 * and neither a promise nor a thread that waits in native code can be ended.
 */

type Keyring = typeof import('@napi-rs/keyring');

async function answer(): Promise<KeychainReply> {
	let keyring: Keyring;
	try {
		keyring = await import('@napi-rs/keyring');
	} catch (error) {
		return {failed: 'missing', message: messageOf(error)};
	}
	process.stdout.write(readySign);
	const request = (await json(process.stdin)) as KeychainRequest;
	try {
		return carryOut(keyring, request);
	} catch (error) {
		return {failed: 'refused', message: messageOf(error)};
	}
}

function carryOut({Entry}: Keyring, request: KeychainRequest): KeychainReply {
	const entryOf = ({service, account}: KeychainItem) =>
		// Else it may fall back to the kernel's keyring, which is empty after the next start of the machine.
		new Entry(service, account, {linux: {store: 'secret-service'}});
	switch (request.do) {
		case 'get':
			return {values: request.items.map(item => entryOf(item).getPassword())};
		case 'set':
			entryOf(request.item).setPassword(request.secret);
			return {values: []};
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

const reply = await answer();
// What is still open (a connection to the bus) must not keep it alive.
process.stdout.write(JSON.stringify(reply), () => process.exit());
