import {expect, test} from 'vitest';
import {alertSequence} from '../../source/host/alert.ts';

test('rings and notifies, in tmux past it', () => {
	const plain = alertSequence('told', {});
	expect(plain).toBe('\u0007\u001b]9;told\u0007');
	// What tmux passes on has each escape twice (tmux(1), "allow-passthrough").
	expect(alertSequence('told', {TMUX: '/x'})).toBe('\u0007\u001bPtmux;\u001b\u001b]9;told\u0007\u001b\\');
});
