import {expect, test, vi} from 'vitest';
import {shown} from '../source/invocation.ts';
import {asTyped} from '../source/suggested.ts';

test.each([
	[
		'Log in: jarvis models auth login --provider a',
		'Log in: jarvis --state-dir /s/d models auth login --provider a',
	],
	[
		'jarvis which a; or: jarvis doctor',
		'jarvis --state-dir /s/d which a; or: jarvis --state-dir /s/d doctor',
	],
	['JARVIS wrote jarvis.json, /x/jarvis is one', 'JARVIS wrote jarvis.json, /x/jarvis is one'],
	['jarvis --state-dir /other doctor', 'jarvis --state-dir /other doctor'],
])('%s', (text, typed) => {
	expect(asTyped(text, '/s/d')).toBe(typed);
	expect(asTyped(text, undefined)).toBe(text);
});

test('a folder is told from the root on, and quoted where a shell would take it apart', () => {
	vi.spyOn(process, 'cwd').mockReturnValue('/s');
	expect(asTyped('jarvis doctor', 'd')).toBe('jarvis --state-dir /s/d doctor');
	expect(asTyped('jarvis doctor', "/a b/$&'c")).toBe(String.raw`jarvis --state-dir '/a b/$&'\''c' doctor`);
	expect(asTyped('jarvis doctor', '/a\u202e')).toBe(String.raw`jarvis --state-dir $'/a\342\200\256' doctor`);
});

test('a text for a person keeps its lines and tabs, and nothing that a terminal would act on', () => {
	expect(shown('a\tb\nc\r\u001b[31md\u202ee\u2028f\u2029g\u0085h')).toBe('a\tb\ncdefgh');
});
