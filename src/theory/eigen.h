/* Eigenvalues and eigenvectors of small symmetric matrices. */
#ifndef RT_THEORY_EIGEN_H
#define RT_THEORY_EIGEN_H

/* Jacobi's rotations (Golub and Van Loan, section 8.5): the symmetric a[n][n] becomes its eigenvalues on the
 * diagonal, v[n][n] the eigenvectors in its columns. */
void rt_eigen_symmetric(double *a, double *v, int n);

#endif
