import {expect} from 'vitest';

type Sample = readonly [labels: Record<string, string>, value: number];

const names = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`;
const sampleLine = new RegExp(String.raw`^(${names})(?:\{(${label}(?:,${label})*)\})? (-?[0-9.e+]+)$`);

/**
 * The metrics in a text, by name; fails where Prometheus would not read it: each metric in one piece behind its help
 * and type, no sample twice, and a line feed at the end ("Exposition formats", text format 0.0.4).
 */
export function metricsIn(text: string): ReadonlyMap<string, readonly Sample[]> {
	expect(text).toMatch(/\n$/);
	const metrics = new Map<string, Sample[]>();
	const seen = new Set<string>();
	let help: string | undefined;
	let current: string | undefined;
	for (const line of text.slice(0, -1).split('\n')) {
		const [, helped] = new RegExp(`^# HELP (${names}) [^\\\\]+$`).exec(line) ?? [];
		const [, typed] = new RegExp(`^# TYPE (${names}) gauge$`).exec(line) ?? [];
		if (helped !== undefined) help = helped;
		else if (typed !== undefined) {
			expect(typed).toBe(help);
			expect(metrics.has(typed)).toBe(false);
			metrics.set(typed, []);
			current = typed;
		} else {
			const [, name = '', labels = '', value] = sampleLine.exec(line) ?? [];
			expect({line, name}).toEqual({line, name: current});
			expect(seen.has(`${name} ${labels}`)).toBe(false);
			seen.add(`${name} ${labels}`);
			metrics.get(name)?.push([labelsIn(labels), Number(value)]);
		}
	}
	return metrics;
}

function labelsIn(text: string): Record<string, string> {
	const pairs = [...text.matchAll(new RegExp(label, 'g'))].map(([pair]) => {
		const at = pair.indexOf('=');
		const value = pair.slice(at + 2, -1).replace(/\\(.)/g, (_, code) => (code === 'n' ? '\n' : code));
		return [pair.slice(0, at), value];
	});
	return Object.fromEntries(pairs);
}
