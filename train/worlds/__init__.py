"""Procedural indoor and outdoor scenes with exact geometry and question-answer pairs.

`layout.sample_scene(seed)` -> `render.render([scene, ...])` -> `questions.questions(scene, *maps)`;
`write.write_records(out, count)` does all three and puts records on disk (`fathom worlds`).
"""
