import {describe, expect, it, test} from 'vitest';
import {copySequence, copyText} from '../../source/host/clipboard.ts';

const encoded = Buffer.from('acme:漢字').toString('base64');
const plain = `\u001b]52;c;${encoded}\u0007`;

describe('the sequence that asks a terminal to copy', () => {
	test('is OSC 52, with the text in base64', () => {
		expect(copySequence('acme:漢字', {})).toBe(plain);
		expect(copySequence('', {})).toBe('\u001b]52;c;\u0007');
	});

	test('is sent to tmux, and wrapped past it, with each Esc doubled', () => {
		const wrapped = `\u001bPtmux;\u001b\u001b]52;c;${encoded}\u0007\u001b\\`;
		expect(copySequence('acme:漢字', {TMUX: '/tmp/tmux-0/default,1,0'})).toBe(plain + wrapped);
	});

	test('holds nothing that a terminal could act on of the text itself', () => {
		const sequence = copySequence('\u001b]0;title\u0007', {});
		expect(sequence.slice(7, -1)).toMatch(/^[\w+/=]+$/);
	});
});

describe('copying over SSH', () => {
	test.each([{SSH_CONNECTION: '10.0.0.1 5 10.0.0.2 22'}, {SSH_TTY: '/dev/pts/0'}])(
		'asks the terminal of the person, told by %j',
		async env => {
			const written: string[] = [];
			expect(await copyText('acme:a', env, text => written.push(text))).toBe('sent to terminal');
			expect(written).toEqual([copySequence('acme:a', env)]);
		},
	);

	// Only a failure of this machine's own clipboard looks at the length.
	it('refuses a text that is too long for a terminal', async () => {
		await expect(copyText('x'.repeat(80_000), {SSH_TTY: '/dev/pts/0'}, () => {})).rejects.toThrow();
	});
});
