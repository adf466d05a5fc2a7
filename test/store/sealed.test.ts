import {randomBytes} from 'node:crypto';
import {describe, expect, it} from 'vitest';
import {changeSealed, dataKeyBytes, openSealed, readSealed, sealSecret} from '../../source/store/sealed.ts';
import {canary} from '../support/sandbox.ts';
import {emptyState, modeOf, put, text} from '../support/state-folder.ts';

const key = randomBytes(dataKeyBytes);
const secret = `${canary('sealed')} ü✔`;
const sealed = sealSecret(key, 'key-1', 'groq/1', secret);

describe('a sealed secret', () => {
	it('opens with its key under its id, and is never sealed the same way twice', () => {
		expect(openSealed(key, 'key-1', 'groq/1', sealed)).toBe(secret);
		expect(sealSecret(key, 'key-1', 'groq/1', secret)).not.toBe(sealed);
		expect(Buffer.from(sealed, 'base64').toString('utf8')).not.toContain('canary');
		expect(openSealed(key, 'key-1', 'empty', sealSecret(key, 'key-1', 'empty', ''))).toBe('');
	});

	it('does not open with another key, under another id, or when a bit of it was changed', () => {
		expect(openSealed(randomBytes(dataKeyBytes), 'key-1', 'groq/1', sealed)).toBeUndefined();
		expect(openSealed(key, 'key-2', 'groq/1', sealed)).toBeUndefined();
		expect(openSealed(key, 'key-1', 'groq/2', sealed)).toBeUndefined();
		const bytes = Buffer.from(sealed, 'base64');
		for (let index = 0; index < bytes.length; index++) {
			const changed = Buffer.from(bytes);
			changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
			expect(openSealed(key, 'key-1', 'groq/1', changed.toString('base64'))).toBeUndefined();
		}
		for (const length of [0, 5, 27, bytes.length - 1]) {
			const cut = bytes.subarray(0, length).toString('base64');
			expect(openSealed(key, 'key-1', 'groq/1', cut)).toBeUndefined();
		}
	});
});

describe('sealed.json', () => {
	it('has the name of its key from its first change on, and keeps what it does not know', async () => {
		const paths = emptyState();
		expect(await readSealed(paths)).toBeUndefined();
		const keyId = await changeSealed(paths, async ({file}) => file.keyId);
		expect(keyId).toMatch(/^[\w-]{16}$/);
		expect(await readSealed(paths)).toEqual({keyId, entries: new Map()});
		expect(modeOf(paths.sealed)).toBe('600');
		put(paths.sealed, {...JSON.parse(text(paths.sealed)), future: 1});
		const add = new Map([
			['a/1', sealed],
			['a/2', sealed],
		]);
		await changeSealed(paths, ({write}) => write({add}));
		await changeSealed(paths, ({write}) => write({remove: ['a/1', 'a/3']}));
		expect(JSON.parse(text(paths.sealed))).toEqual({version: 1, keyId, entries: {'a/2': sealed}, future: 1});
	});

	it('is not written over when it is damaged', async () => {
		const paths = emptyState();
		put(paths.sealed, `{"keyId": "${canary('id')}" oops`);
		await expect(changeSealed(paths, async () => {})).rejects.toMatchObject({code: 'store_damaged'});
		expect(text(paths.sealed)).toContain('oops');
	});
});
