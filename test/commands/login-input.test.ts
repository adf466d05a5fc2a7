import {PassThrough} from 'node:stream';
import {expect, test} from 'vitest';
import type {CommandContext} from '../../source/commands/command.ts';
import {logIn} from '../../source/commands/login.ts';
import {openJarvis} from '../../source/core.ts';
import {canary, readStore, temporaryFolder} from '../support/sandbox.ts';

/** Standard input as a pipe, all of which is there before anybody reads. */
function piped(text: string): CommandContext['stdin'] {
	const pipe = new PassThrough();
	pipe.end(text);
	return Object.assign(pipe, {isTTY: false}) as unknown as CommandContext['stdin'];
}

test('what comes before it is asked for waits for the question', async () => {
	const jarvis = openJarvis({stateDir: temporaryFolder(), env: {}});
	const printed: string[] = [];
	// The login is held up until the pipe has been read to its end.
	const stdin = piped(`${canary('key')}\n`);
	const context: CommandContext = {
		...{flags: {}, arguments: [], stdin, tell: () => {}},
		print: text => printed.push(text),
		jarvis: {
			...jarvis,
			async startLogin(request) {
				const login = await jarvis.startLogin(request);
				let isHeld = true;
				stdin.once('end', () => setTimeout(() => (isHeld = false), 20));
				const listeners = new Set<() => void>();
				const release = setInterval(() => {
					if (isHeld) return;
					clearInterval(release);
					for (const listener of listeners) listener();
				}, 5);
				return {
					...login,
					state: () => (isHeld ? {step: 'preparing'} : login.state()),
					paste: async text => (isHeld ? undefined : login.paste(text)),
					subscribe(listener) {
						listeners.add(listener);
						return login.subscribe(listener);
					},
				};
			},
		},
	};
	const request = {providerId: 'mistral', agentId: 'main', method: 'api_key'};
	expect(await logIn(context, request)).toBe(0);
	expect(printed).toEqual(['mistral:default']);
	expect(readStore(jarvis).profiles['mistral:default']).toMatchObject({key: canary('key')});
});
