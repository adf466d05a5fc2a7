import {chmodSync, mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {resolveRefs} from '../../../source/auth/secrets/resolve-refs.ts';
import type {JsonObject, JsonValue} from '../../../source/store/json.ts';
import type {SecretRef, SecretSource} from '../../../source/store/schema.ts';
import {decodeSecrets} from '../../../source/store/secrets-config.ts';
import {put, temporaryFolder} from '../../support/state-folder.ts';

/** A program that can be run: JavaScript, or what begins with `#!`. It lies in a folder of its own. */
export function programOf(source: string, folder = join(temporaryFolder(), 'bin')): string {
	mkdirSync(folder, {recursive: true, mode: 0o700});
	const file = join(folder, 'give');
	put(file, source.startsWith('#!') ? source : `#!${process.execPath}\n${source}\n`);
	chmodSync(file, 0o700);
	return file;
}

/** JavaScript that answers by the protocol: `answer(request)` gives the members of the answer. */
export function answering(answer: string): string {
	return `
let text = '';
process.stdin.on('data', piece => { text += piece; }).on('end', () => {
	const request = JSON.parse(text);
	const answer = (${answer})(request);
	if (answer) process.stdout.write(JSON.stringify({protocolVersion: 1, ...answer}));
});`;
}

/** A program's answer that gives every id a value of its own. */
export const givesAll = answering(
	"({ids}) => ({values: Object.fromEntries(ids.map(id => [id, 'not-a-secret-' + id]))})",
);

export function refTo(source: SecretSource, provider: string, id: string): SecretRef {
	return {source, provider, id};
}

/** Resolves refs of one provider, and gives what came of each by its id: the value, or the code of the failure. */
export async function outcomes(
	provider: JsonObject,
	ids: readonly string[],
	{env = {}, resolution = {}}: {readonly env?: NodeJS.ProcessEnv; readonly resolution?: JsonValue} = {},
): Promise<Readonly<Record<string, string>>> {
	const config = decodeSecrets({providers: {store: provider}, resolution});
	const refs = ids.map(id => refTo(provider.source as SecretSource, 'store', id));
	const all = [...(await resolveRefs(refs, {env, config}))];
	return Object.fromEntries(
		all.map(([key, outcome]) => [
			key.split(':').slice(2).join(':'),
			'value' in outcome ? outcome.value : `${outcome.failure.code}: ${outcome.failure.message}`,
		]),
	);
}

/** Whether a process runs; one that has ended and that nobody asked about does not. */
export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		// A zombie has ended.
		return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
	} catch {
		return false;
	}
}
