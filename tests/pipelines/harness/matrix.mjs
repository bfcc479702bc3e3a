// The cells of a matrix: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrix.

/** A matrix that GitHub refuses; the job fails. */
export class InvalidMatrix extends Error {}

/** The combinations that a matrix makes, in GitHub's order. */
export function cells(matrix) {
  if (matrix === null || typeof matrix !== "object") throw new InvalidMatrix("the matrix is no mapping");
  const { include = [], exclude = [], ...dimensions } = matrix;
  for (const [name, values] of Object.entries(dimensions)) {
    if (!Array.isArray(values)) throw new InvalidMatrix(`matrix.${name} is no list`);
    if (values.length === 0) throw new InvalidMatrix(`Matrix vector '${name}' does not contain any values`);
  }
  for (const [name, list] of Object.entries({ include, exclude })) {
    if (!Array.isArray(list)) throw new InvalidMatrix(`matrix.${name} is no list`);
  }
  const original = combinations(Object.entries(dimensions)).filter(
    (cell) => !exclude.some((one) => Object.keys(one).every((name) => isSame(one[name], cell[name]))),
  );
  const extended = original.map((cell) => ({ ...cell }));
  const added = [];
  for (const one of include) {
    // It extends each combination of which it changes no original value; where there is none it is one of its own.
    const fitting = original.flatMap((cell, index) =>
      Object.keys(one).every((name) => !(name in cell) || isSame(cell[name], one[name])) ? [index] : [],
    );
    fitting.forEach((index) => Object.assign(extended[index], one));
    if (fitting.length === 0) added.push({ ...one });
  }
  const all = [...extended, ...added];
  if (all.length === 0) throw new InvalidMatrix("Matrix must define at least one vector");
  if (all.length > 256) throw new InvalidMatrix(`a matrix has at most 256 jobs, and this one has ${all.length}`);
  return all;
}

function combinations(dimensions) {
  if (dimensions.length === 0) return [];
  return dimensions.reduce(
    (made, [name, values]) => made.flatMap((cell) => values.map((value) => ({ ...cell, [name]: value }))),
    [{}],
  );
}

const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);
